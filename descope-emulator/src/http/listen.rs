//! Where the emulator listens.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::TcpListener;

use crate::StartError;

/// How often another free port is tried when the one of the first address is taken on the next.
const TRIES: usize = 10;

/// Listens on an address, or on all addresses of a name, and gives the base URL for clients on this computer.
pub(crate) async fn listen(
    host: IpAddr,
    name: Option<&str>,
    port: u16,
) -> Result<(Vec<TcpListener>, String), StartError> {
    let Some(name) = name else {
        let listener = bind(SocketAddr::new(host, port)).await?;
        let bound = listener.local_addr().map_err(|source| listen_error(SocketAddr::new(host, port), source))?;
        return Ok((vec![listener], format!("http://{}", reachable(bound))));
    };
    let mut addresses = resolve(name).await.map_err(|source| StartError::Name { name: name.to_owned(), source })?;
    let first = addresses.remove(0);
    let mut tries = 0;
    loop {
        let listener = bind(SocketAddr::new(first, port)).await?;
        let bound = listener.local_addr().map_err(|source| listen_error(SocketAddr::new(first, port), source))?;
        tries += 1;
        match further(&addresses, bound.port()).await {
            Ok(mut listeners) => {
                listeners.insert(0, listener);
                return Ok((listeners, format!("http://{name}:{}", bound.port())));
            }
            // Any port would do, so another one will.
            Err(_) if port == 0 && tries < TRIES => {}
            Err(error) => return Err(error),
        }
    }
}

fn listen_error(address: SocketAddr, source: io::Error) -> StartError {
    StartError::Listen { address, source }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| listen_error(address, source))
}

/// The addresses of a name, IPv4 first: there is at least one. Not all systems list both for `localhost`.
async fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    let mut addresses: Vec<IpAddr> = tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect();
    if name.eq_ignore_ascii_case("localhost") {
        addresses.extend([IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]);
    }
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(addresses) }
}

/// Listens on the other addresses too, those that this computer has.
async fn further(addresses: &[IpAddr], port: u16) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners = Vec::new();
    for address in addresses {
        let address = SocketAddr::new(*address, port);
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(listen_error(address, error)),
            // There is no IPv6 here, most likely.
            Err(_) => {}
        }
    }
    Ok(listeners)
}

/// An address that a client on this computer can use, also when the emulator listens on all of them.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_given_that_clients_can_use() {
        let given = |address: &str| reachable(address.parse().expect("address")).to_string();
        assert_eq!(given("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(given("[::]:80"), "[::1]:80");
        assert_eq!(given("10.1.2.3:80"), "10.1.2.3:80");
    }
}
