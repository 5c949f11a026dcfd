//! The JSON document of `firebase auth:export`. It is one value of any length, so it is taken apart while it is read.

use std::{fmt, fs::File, io::BufReader, path::Path};

use descope_sdk::Secret;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, value::RawValue};

use super::{
    Reader, Sink,
    lines::{Counted, Progress},
    members::Members,
};
use crate::{
    cli::SourceArguments,
    error::{Error, Result},
    hash::{self, Hash, Scrypt},
    row::{Place, Row, Verdict},
};

/// The names of the hash parameters, as they are in the console and in the options of the program.
const PARAMETERS: [&str; 5] = ["algorithm", "base64_signer_key", "base64_salt_separator", "rounds", "mem_cost"];

pub(super) fn reader(arguments: &SourceArguments, path: &Path) -> Result<Reader> {
    let hashing = Hashing::new(arguments)?;
    let (arguments, path) = (arguments.clone(), path.to_owned());
    let file = File::open(&path).map_err(Error::file(&path))?;
    Ok(Box::new(move |sink| {
        let progress = Progress::default();
        let reader = Counted::new(BufReader::with_capacity(1 << 16, file), &progress);
        let mut document = serde_json::Deserializer::from_reader(reader);
        let mut stopped = false;
        let users =
            Users { arguments: &arguments, hashing: &hashing, progress: &progress, sink, stopped: &mut stopped };
        let read = users.deserialize(&mut document).and_then(|()| document.end());
        match read {
            Err(error) if !stopped => Err(broken(&path, &error)),
            _ => Ok(()),
        }
    }))
}

fn broken(path: &Path, error: &serde_json::Error) -> Error {
    let reason = match error.classify() {
        serde_json::error::Category::Eof => "the document ends too early".to_owned(),
        serde_json::error::Category::Syntax => format!("is not JSON at column {}", error.column()),
        // Its words are our own, or those of the system.
        _ => error.to_string(),
    };
    Error::input(path, Some(error.line() as u64).filter(|line| *line > 0), reason)
}

/// The whole document, whose member `users` is what matters.
struct Users<'a, 's> {
    arguments: &'a SourceArguments,
    hashing: &'a Hashing,
    progress: &'a Progress,
    sink: Sink<'s>,
    stopped: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Users<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Users<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the member users")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<(), A::Error> {
        let mut found = false;
        self.progress.begin();
        while let Some(name) = map.next_key::<String>()? {
            if name == "users" {
                found = true;
                map.next_value_seed(List(&mut self))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            self.progress.begin();
        }
        if found { Ok(()) } else { Err(A::Error::custom("the document has no member users")) }
    }
}

/// The list of users.
struct List<'l, 'a, 's>(&'l mut Users<'a, 's>);

impl<'de> DeserializeSeed<'de> for List<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of users")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        let Users { arguments, hashing, progress, sink, stopped } = self.0;
        let mut number = 0;
        // The text of one user at a time: what is wrong inside of it is wrong with that user alone.
        while let Some(text) = items.next_element::<Box<RawValue>>()? {
            number += 1;
            let lines = text.get().matches('\n').count() as u64;
            let place = progress.place(number, lines);
            let row = match serde_json::from_str::<Map<String, Value>>(text.get()) {
                Ok(map) => user(arguments, hashing, place, &map),
                Err(_) => Row::malformed(place, "", "is not an object"),
            };
            if !sink(row) {
                **stopped = true;
                return Err(A::Error::custom("nobody wants more"));
            }
            progress.begin();
        }
        Ok(())
    }
}

fn user(arguments: &SourceArguments, hashing: &Hashing, place: Place, map: &Map<String, Value>) -> Row {
    let mut members = Members { map, row: Row::new(place) };
    let (email, verified) = (members.text("email"), members.flag("emailVerified"));
    members.row.email("email", email.as_deref().unwrap_or_default(), verified);
    // Firebase has numbers only of those who have typed a code that was sent to them.
    let phone = members.text("phoneNumber");
    members.row.phone("phoneNumber", phone.as_deref().unwrap_or_default(), true);
    let id = members.text("localId");
    members.names(arguments, None, id.as_deref());
    members.row.entry.name = members.text("displayName");
    members.row.entry.picture = members.text("photoUrl");
    let disabled = members.flag("disabled");
    members.row.status(!disabled);
    let created = match map.get("createdAt") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.parse::<i64>().map(Some).map_err(|_| ()),
        Some(other) => other.as_i64().map(Some).ok_or(()),
    };
    match created {
        Ok(created) => members.row.entry.created_time = created.map(|millis| millis / 1000),
        Err(()) => members.row.blame(Verdict::Malformed, "createdAt", "is not a number of milliseconds"),
    }
    // Custom claims are a document inside of the document.
    let claims = match members.text("customAttributes").map(|text| serde_json::from_str::<Map<String, Value>>(&text)) {
        None => Map::new(),
        Some(Ok(claims)) => claims,
        Some(Err(_)) => {
            members.row.blame(Verdict::Malformed, "customAttributes", "is not the text of a JSON object");
            Map::new()
        }
    };
    let mut with_claims = map.clone();
    with_claims.insert("customAttributes".to_owned(), Value::Object(claims.clone()));
    let mut members = Members { map: &with_claims, row: members.row };
    members.memberships(arguments);
    members.attributes(arguments, &[("customAttributes", &claims)]);
    let mut row = members.row;
    let text = |name: &str| map.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(hash) = text("passwordHash") {
        row.password("passwordHash", hashing.hash(hash, text("salt").unwrap_or_default()));
    }
    row
}

/// How the passwords of the Firebase project are hashed.
pub(super) struct Hashing {
    algorithm: String,
    /// What the algorithm of Firebase's own needs, or what is missing of it.
    scrypt: std::result::Result<Scrypt, &'static str>,
    rounds: i64,
    salt_first: bool,
}

impl Hashing {
    pub(super) fn new(arguments: &SourceArguments) -> Result<Self> {
        let mut given = match &arguments.hash_config {
            Some(path) => parameters(path)?,
            None => Map::new(),
        };
        let texts = [("algorithm", &arguments.hash_algorithm), ("base64_salt_separator", &arguments.salt_separator)];
        for (name, text) in texts {
            if let Some(text) = text {
                given.insert(name.to_owned(), Value::String(text.clone()));
            }
        }
        for (name, number) in [("rounds", arguments.rounds), ("mem_cost", arguments.mem_cost)] {
            if let Some(number) = number {
                given.insert(name.to_owned(), Value::String(number.to_string()));
            }
        }
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &'static str| match text(name) {
            "" => Ok(None),
            text => text
                .parse::<i64>()
                .map(Some)
                .map_err(|_| Error::option("hash-config", format!("{name} is not a number"))),
        };
        let (rounds, memory) = (number("rounds")?, number("mem_cost")?);
        let signer_key = match &arguments.signer.signer_key {
            Some(key) => key.clone(),
            None => Secret::from(text("base64_signer_key")),
        };
        let scrypt = match (signer_key.is_empty(), rounds, memory) {
            (true, ..) => Err("the signer key of the Firebase project is missing (--hash-config)"),
            (_, None, _) | (_, _, None) => {
                Err("rounds and mem_cost of the Firebase project are missing (--hash-config)")
            }
            (false, Some(rounds), Some(memory)) => {
                let usable = hash::base64("", signer_key.expose()).is_ok()
                    && hash::base64("", text("base64_salt_separator")).is_ok();
                if !usable {
                    return Err(Error::option("hash-config", "the signer key or the salt separator is not base64"));
                }
                if !(1..=8).contains(&rounds) || !(1..=16).contains(&memory) {
                    let why = "rounds are from 1 to 8 and mem_cost is from 1 to 16, as Firebase has it";
                    return Err(Error::option("hash-config", why));
                }
                let salt_separator = match text("base64_salt_separator") {
                    "" => "Bw==".to_owned(),
                    text => text.to_owned(),
                };
                Ok(Scrypt { signer_key, salt_separator, rounds, memory })
            }
        };
        let algorithm = match text("algorithm") {
            "" => "SCRYPT".to_owned(),
            text => text.to_ascii_uppercase(),
        };
        Ok(Self { algorithm, scrypt, rounds: rounds.unwrap_or(1), salt_first: arguments.salt_first })
    }

    pub(super) fn hash(&self, text: &str, salt: &str) -> Hash {
        let bytes = || hash::base64("", text);
        let salted = || hash::base64("salt", salt);
        match self.algorithm.as_str() {
            "SCRYPT" => match &self.scrypt {
                Ok(scrypt) => hash::firebase("", text, salt, scrypt),
                Err(missing) => Err(hash::unsupported("", *missing)),
            },
            "BCRYPT" => {
                let text =
                    String::from_utf8(bytes()?).map_err(|_| hash::malformed("", "is not a bcrypt hash in base64"))?;
                hash::bcrypt("", &text)
            }
            "PBKDF_SHA1" => hash::pbkdf2("", "sha1", self.rounds, &salted()?, &bytes()?),
            "PBKDF2_SHA256" => hash::pbkdf2("", "sha256", self.rounds, &salted()?, &bytes()?),
            name @ ("MD5" | "SHA1" | "SHA256" | "SHA512") => {
                if self.rounds > 1 {
                    return Err(hash::unsupported("", format!("{name} in {} rounds", self.rounds)));
                }
                let salt = salted()?;
                if self.salt_first && !salt.is_empty() {
                    return Err(hash::unsupported("salt", "a salt before the password"));
                }
                match (name, salt.is_empty()) {
                    ("MD5", true) => hash::md5("", &bytes()?),
                    ("MD5", false) => Err(hash::unsupported("salt", "MD5 with a salt")),
                    _ => hash::sha("", &name.to_ascii_lowercase(), &bytes()?, &salt),
                }
            }
            other => Err(hash::unsupported("", format!("the algorithm {other:?} of Firebase"))),
        }
    }
}

/// The hash parameters in a file: what the console shows (`hash_config { rounds: 8, ... }`), or JSON with the same names.
fn parameters(path: &Path) -> Result<Map<String, Value>> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    let mut found = Map::new();
    for (at, line) in text.split(['\n', ',', '{', '}']).enumerate() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let clean = |text: &str| text.trim().trim_matches('"').trim().to_owned();
        let (name, value) = (clean(name), clean(value));
        if value.is_empty() {
            continue;
        }
        if !PARAMETERS.contains(&name.as_str()) {
            // The name only: a value may be the key.
            let name: String = name.chars().take(40).collect();
            let reason = format!("is not one of {}", PARAMETERS.join(", "));
            let line = text.split(['\n', ',', '{', '}']).take(at + 1).map(str::len).sum::<usize>() + at;
            let line = text.get(..line).unwrap_or_default().matches('\n').count() as u64 + 1;
            return Err(Error::Input { path: path.to_owned(), line: Some(line), member: Some(name), reason });
        }
        found.insert(name, Value::String(value));
    }
    if found.is_empty() {
        return Err(Error::input(path, None, format!("has none of {}", PARAMETERS.join(", "))));
    }
    Ok(found)
}
