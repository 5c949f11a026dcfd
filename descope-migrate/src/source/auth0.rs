//! The export of Auth0: a JSON object on each line, and in another file, which its support hands out, the password hashes.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{
    Reader, Sink,
    lines::{Line, Lines},
    members::{Members, seconds_of},
};
use crate::{
    cli::SourceArguments,
    error::{Error, Result},
    hash::{self, Hash},
    known::{Known, key},
    row::{Place, Row, Verdict},
};

pub(super) fn reader(arguments: &SourceArguments, path: &Path) -> Result<Reader> {
    let (arguments, path) = (arguments.clone(), path.to_owned());
    let lines = Lines::open(&path)?;
    let hashes = arguments.hashes.clone().map(|path| Ok((Lines::open(&path)?, path))).transpose()?;
    Ok(Box::new(move |sink| {
        let mut hashes = match hashes {
            Some((lines, path)) => match Hashes::index(lines, path, sink)? {
                Some(hashes) => Some(hashes),
                None => return Ok(()),
            },
            None => None,
        };
        users(&arguments, &path, lines, hashes.as_mut(), sink)
    }))
}

fn users(
    arguments: &SourceArguments,
    path: &Path,
    mut lines: Lines,
    mut hashes: Option<&mut Hashes>,
    sink: Sink<'_>,
) -> Result<()> {
    let mut number = 0;
    while let Some((line, begin, text)) = lines.next().map_err(Error::file(path))? {
        number += 1;
        let place = Place { number, line: Some(line), read: begin };
        let row = match object(&text) {
            Ok(map) => user(arguments, place, &map, hashes.as_deref_mut())?,
            Err(why) => Row::malformed(place, "", why),
        };
        if !sink(Row { place: Place { read: lines.read(), ..place }, ..row }) {
            break;
        }
    }
    Ok(())
}

fn object(text: &Line<'_>) -> std::result::Result<Map<String, Value>, String> {
    let Line::Text(text) = text else { return Err("is longer than a record can be".to_owned()) };
    // The message of the parser names a place and no value.
    serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => "is not a JSON object".to_owned(),
        _ => format!("is not JSON: column {}", error.column()),
    })
}

fn user(
    arguments: &SourceArguments,
    place: Place,
    map: &Map<String, Value>,
    hashes: Option<&mut Hashes>,
) -> Result<Row> {
    let mut members = Members { map, row: Row::new(place) };
    let (email, verified) = (members.text("email"), members.flag("email_verified"));
    members.row.email("email", email.as_deref().unwrap_or_default(), verified);
    let (phone, verified) = (members.text("phone_number"), members.flag("phone_verified"));
    members.row.phone("phone_number", phone.as_deref().unwrap_or_default(), verified);
    let (username, id) = (members.text("username"), members.text("user_id"));
    members.names(arguments, username.as_deref(), id.as_deref());
    members.row.entry.given_name = members.text("given_name");
    members.row.entry.family_name = members.text("family_name");
    members.row.entry.picture = members.text("picture");
    // Auth0 makes the email address the name of whoever has told none.
    members.row.entry.name = members.text("name").filter(|name| Some(name) != email.as_ref());
    let blocked = members.flag("blocked");
    members.row.status(!blocked);
    if let Some(created) = members.text("created_at") {
        members.row.entry.created_time = seconds_of(&created);
        if members.row.entry.created_time.is_none() {
            members.row.blame(Verdict::Malformed, "created_at", "is not a time such as 2024-05-01T12:00:00Z");
        }
    }
    members.memberships(arguments);
    let (of_user, of_app) = (members.object("user_metadata"), members.object("app_metadata"));
    members.attributes(arguments, &[("user_metadata", &of_user), ("app_metadata", &of_app)]);
    let mut row = members.row;
    match password(map) {
        Some((member, hash)) => row.password(member, hash),
        None => match hashes {
            Some(hashes) => hashes.give(&mut row, &ids(map, id.as_deref()), email.as_deref())?,
            None => row.password_left = !ids(map, id.as_deref()).is_empty(),
        },
    }
    Ok(row)
}

/// The ids in Auth0's own database, which is where passwords are.
fn ids(map: &Map<String, Value>, user_id: Option<&str>) -> Vec<String> {
    let own = user_id.and_then(|id| id.strip_prefix("auth0|")).map(str::to_owned);
    let identities = map.get("identities").and_then(Value::as_array).into_iter().flatten();
    let linked = identities.filter(|one| one["provider"] == "auth0").filter_map(|one| match &one["user_id"] {
        Value::String(id) => Some(id.strip_prefix("auth0|").unwrap_or(id).to_owned()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    });
    own.into_iter().chain(linked).collect()
}

/// The hash that an object holds, and the member that holds it.
fn password(map: &Map<String, Value>) -> Option<(&'static str, Hash)> {
    for member in ["passwordHash", "password_hash"] {
        match map.get(member) {
            None | Some(Value::Null) => {}
            Some(Value::String(hash)) => return Some((member, hash::bcrypt("", hash))),
            Some(_) => return Some((member, Err(hash::malformed("", "is not a text")))),
        }
    }
    let member = "custom_password_hash";
    match map.get(member)? {
        Value::Null => None,
        Value::Object(custom) => Some((member, by_algorithm(custom))),
        _ => Some((member, Err(hash::malformed("", "is not an object")))),
    }
}

/// The hashes that Auth0 has imported from elsewhere itself.
fn by_algorithm(custom: &Map<String, Value>) -> Hash {
    let text = |of: &'static str, member: &'static str| custom.get(of)?.get(member)?.as_str();
    let algorithm = custom.get("algorithm").and_then(Value::as_str);
    let algorithm = algorithm.ok_or_else(|| hash::malformed("algorithm", "is missing"))?;
    let value = text("hash", "value").ok_or_else(|| hash::malformed("hash.value", "is missing"))?;
    let bytes = |member: &'static str, value: &str, encoding: &str| match encoding {
        "base64" => hash::base64(member, value),
        "hex" => hash::hex(member, value),
        "utf8" => Ok(value.as_bytes().to_vec()),
        _ => Err(hash::unsupported(member, format!("encoding {encoding:?}"))),
    };
    if text("password", "encoding").is_some_and(|encoding| encoding != "utf8") {
        return Err(hash::unsupported("password.encoding", "passwords that are not encoded by UTF-8"));
    }
    match algorithm {
        "bcrypt" => return hash::bcrypt("hash.value", value),
        "argon2" | "pbkdf2" => return hash::phc("hash.value", value),
        "ldap" => return hash::ldap("hash.value", value),
        "md5" | "sha1" | "sha256" | "sha512" => {}
        _ => return Err(hash::unsupported("algorithm", format!("the algorithm {algorithm:?}"))),
    }
    let digest = bytes("hash.value", value, text("hash", "encoding").unwrap_or("hex"))?;
    let salt = match text("salt", "value") {
        Some(salt) if !salt.is_empty() => bytes("salt.value", salt, text("salt", "encoding").unwrap_or("utf8"))?,
        _ => Vec::new(),
    };
    if !salt.is_empty() && text("salt", "position") != Some("suffix") {
        return Err(hash::unsupported("salt.position", "a salt before the password"));
    }
    match (algorithm, salt.is_empty()) {
        ("md5", true) => hash::md5("hash.value", &digest),
        ("md5", false) => Err(hash::unsupported("salt", "MD5 with a salt")),
        _ => hash::sha("hash.value", algorithm, &digest, &salt),
    }
}

/// The file with the hashes, and where in it each is.
struct Hashes {
    path: PathBuf,
    lines: Lines,
    index: Known,
}

impl Hashes {
    /// Looks through the file. Lines that cannot be read become rows, so that they are told; `None` when nobody wants more.
    fn index(mut lines: Lines, path: PathBuf, sink: Sink<'_>) -> Result<Option<Self>> {
        let mut index = Known::new();
        loop {
            let next = lines.next().map_err(Error::file(&path))?;
            let Some((line, begin, text)) = next else { break };
            let fault = match object(&text) {
                Ok(map) => match names_in(&map) {
                    name if name.is_empty() => Some("has neither _id nor email".to_owned()),
                    name => {
                        index.insert(&key(&name), begin);
                        None
                    }
                },
                Err(why) => Some(why),
            };
            if let Some(why) = fault {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let place = Place { number: 0, line: Some(line), read: 0 };
                if !sink(Row::malformed(place, name, format!("the line of password hashes {why}"))) {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Self { lines: Lines::open_for_places(&path)?, path, index }))
    }

    /// Gives a row its hash.
    fn give(&mut self, row: &mut Row, ids: &[String], email: Option<&str>) -> Result<()> {
        let by_id = ids.iter().map(|id| format!("id {id}"));
        let by_email = email.map(|email| format!("email {}", email.to_lowercase()));
        for name in by_id.chain(by_email) {
            let Some(begin) = self.index.get(&key(&name)) else { continue };
            let map: Map<String, Value> =
                match serde_json::from_slice(self.lines.at(begin).map_err(Error::file(&self.path))?) {
                    Ok(map) => map,
                    Err(_) => return Err(Error::input(&self.path, None, "the file has changed while it was read")),
                };
            if names_in(&map) != name {
                continue;
            }
            if let Some((member, hash)) = password(&map) {
                row.password(member, hash);
                return Ok(());
            }
        }
        row.password_left = !ids.is_empty();
        Ok(())
    }
}

/// By what the user of a hash is found: the id, or the address where there is none.
fn names_in(map: &Map<String, Value>) -> String {
    let id = match map.get("_id").or_else(|| map.get("user_id")) {
        Some(Value::String(id)) => Some(id.as_str()),
        Some(Value::Object(id)) => id.get("$oid").and_then(Value::as_str),
        _ => None,
    };
    let id = id.map(|id| id.strip_prefix("auth0|").unwrap_or(id)).filter(|id| !id.is_empty());
    let email = map.get("email").and_then(Value::as_str).filter(|email| !email.is_empty());
    match (id, email) {
        (Some(id), _) => format!("id {id}"),
        (None, Some(email)) => format!("email {}", email.to_lowercase()),
        (None, None) => String::new(),
    }
}
