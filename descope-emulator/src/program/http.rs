//! One request over plain HTTP, for which no client library is worth its size.

use std::{
    io::{Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use serde_json::Value;
use url::Url;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1024 * 1024;

/// Posts JSON and gives the JSON of a success, or says why there is none.
pub(super) fn post(url: &Url, body: &Value) -> Result<Value, String> {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(format!("{url} has no host"));
    };
    let plain = host.trim_matches(['[', ']']);
    let addresses = (plain, port).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
    let mut failed = format!("{host} has no address");
    let connected = addresses.into_iter().find_map(|address| match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(stream) => Some(stream),
        Err(error) => {
            failed = format!("{address}: {error}");
            None
        }
    });
    let mut stream = connected.ok_or(failed)?;
    let exchanged = exchange(&mut stream, host, port, url.path(), &body.to_string());
    let answer = exchanged.map_err(|error| format!("{host}:{port}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("{host}:{port} does not speak HTTP"))?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    match serde_json::from_str(body) {
        Ok(value) if status == "200" => Ok(value),
        _ => Err(format!("{host}:{port} answers {status}, and is no emulator or an older one")),
    }
}

fn exchange(stream: &mut TcpStream, host: &str, port: u16, path: &str, body: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
