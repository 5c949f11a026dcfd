//! CSV files: what all of them have in common, and those with columns of our own.

use std::{fs::File, path::Path};

use csv::ByteRecord;
use descope_sdk::management::user::{AssociatedTenant, UserStatus};
use serde_json::{Number, Value};

use super::{
    Reader,
    firebase::Hashing,
    lines::{Counted, Progress},
    members::seconds_of,
};
use crate::{
    cli::SourceArguments,
    error::{Error, Result},
    hash::{self, Hash},
    row::{Place, Row, Verdict},
};

/// The columns that a file can have, besides `custom.NAME`.
const COLUMNS: [&str; 22] = [
    "login_id",
    "further_login_ids",
    "email",
    "email_verified",
    "phone",
    "phone_verified",
    "name",
    "given_name",
    "middle_name",
    "family_name",
    "picture",
    "status",
    "roles",
    "tenants",
    "created",
    "password_scheme",
    "password_hash",
    "password_salt",
    "password_iterations",
    "password_memory",
    "password_threads",
    "password_type",
];

/// A CSV file whose header has been read.
pub(super) struct Table<'a> {
    path: &'a Path,
    reader: csv::Reader<Counted<File>>,
    progress: Progress,
    columns: Vec<String>,
}

impl<'a> Table<'a> {
    pub(super) fn open(file: File, path: &'a Path, delimiter: u8) -> Result<Self> {
        let progress = Progress::default();
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(Counted::new(file, &progress));
        let header = reader.byte_headers().map_err(|error| broken(path, &error))?.clone();
        let columns: Vec<String> = header
            .iter()
            .map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()))
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| Error::input(path, 1, "the header is not UTF-8"))?;
        if columns.iter().all(String::is_empty) {
            return Err(Error::input(path, 1, "there is no header"));
        }
        for (at, column) in columns.iter().enumerate() {
            if columns[..at].contains(column) {
                return Err(Error::input(path, 1, format!("the header has the column {column:?} twice")));
            }
        }
        Ok(Self { path, reader, progress, columns })
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Gives the records one after the other, until `each` says that it is enough.
    pub(super) fn each(&mut self, mut each: impl FnMut(Cells<'_>) -> bool) -> Result<()> {
        let mut record = ByteRecord::new();
        let mut number = 0;
        loop {
            self.progress.begin();
            if !self.reader.read_byte_record(&mut record).map_err(|error| broken(self.path, &error))? {
                return Ok(());
            }
            number += 1;
            let line = record.position().map(csv::Position::line);
            let place = Place { number, line, read: self.reader.position().byte() };
            let mut row = Row::new(place);
            if record.len() != self.columns.len() {
                let why = format!("has {} cells where the header has {}", record.len(), self.columns.len());
                row = Row::malformed(place, "", why);
            } else if let Some(at) = record.iter().position(|cell| std::str::from_utf8(cell).is_err()) {
                row = Row::malformed(place, &self.columns[at], "is not UTF-8");
            }
            if !each(Cells { columns: &self.columns, record: &record, row }) {
                return Ok(());
            }
        }
    }
}

fn broken(path: &Path, error: &csv::Error) -> Error {
    let line = error.position().map(csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => "cannot be read as CSV".to_owned(),
    };
    Error::input(path, line, reason)
}

/// One record, and the row that is made of it.
pub(super) struct Cells<'a> {
    columns: &'a [String],
    record: &'a ByteRecord,
    pub(super) row: Row,
}

impl Cells<'_> {
    pub(super) fn columns(&self) -> &[String] {
        self.columns
    }

    /// The text of a column; `None` where it is empty or there is no such column.
    pub(super) fn text(&self, column: &str) -> Option<String> {
        let at = self.columns.iter().position(|known| known == column)?;
        let text = std::str::from_utf8(self.record.get(at)?).ok()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A flag that is only up where the file says so.
    pub(super) fn flag(&mut self, column: &str) -> bool {
        match self.text(column).map(|text| text.to_ascii_lowercase()).as_deref() {
            None | Some("false" | "0" | "no") => false,
            Some("true" | "1" | "yes") => true,
            Some(_) => {
                self.row.blame(Verdict::Malformed, column, "is not true or false");
                false
            }
        }
    }

    fn number(&mut self, column: &str) -> Option<i64> {
        let text = self.text(column)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.row.blame(Verdict::Malformed, column, "is not a whole number");
        }
        number
    }
}

/// The parts of a cell with several: `Admin;Viewer`.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// How the columns of a file are called that the program knows.
struct Names {
    map: Vec<(String, String)>,
}

impl Names {
    fn new(arguments: &SourceArguments, path: &Path, columns: &[String]) -> Result<Self> {
        for (member, column) in &arguments.map {
            if !COLUMNS.contains(&member.as_str()) && !member.starts_with("custom.") {
                return Err(Error::option(
                    "map",
                    format!("there is no member {member:?}; they are {}", COLUMNS.join(", ")),
                ));
            }
            if !columns.contains(column) {
                return Err(Error::input(path, 1, format!("the header has no column {column:?}, which --map names")));
            }
        }
        let names = Self { map: arguments.map.clone() };
        for column in columns {
            let member = names.member(column);
            let known = COLUMNS.contains(&member) || member.starts_with("custom.") || arguments.ignore.contains(column);
            if !known {
                let why =
                    format!("the column {column:?} is not known: --map says what it is, --ignore leaves it behind");
                return Err(Error::input(path, 1, why));
            }
        }
        if !["login_id", "email", "phone"].iter().any(|name| columns.contains(&names.column(name))) {
            return Err(Error::input(path, 1, "the header has neither login_id nor email nor phone"));
        }
        Ok(names)
    }

    fn column(&self, member: &str) -> String {
        self.map.iter().find(|(known, _)| known == member).map_or(member, |(_, column)| column).to_owned()
    }

    fn member<'a>(&'a self, column: &'a str) -> &'a str {
        self.map.iter().find(|(_, known)| known == column).map_or(column, |(member, _)| member)
    }
}

pub(super) fn reader(arguments: &SourceArguments, path: &Path) -> Result<Reader> {
    let (arguments, path) = (arguments.clone(), path.to_owned());
    let file = File::open(&path).map_err(Error::file(&path))?;
    let delimiter = u8::try_from(arguments.delimiter).unwrap_or(b',');
    let hashing = Hashing::new(&arguments)?;
    Ok(Box::new(move |sink| {
        let mut table = Table::open(file, &path, delimiter)?;
        let names = Names::new(&arguments, &path, table.columns())?;
        let ignored = |column: &String| arguments.ignore.contains(column);
        let attributes: Vec<(String, String)> = table
            .columns()
            .iter()
            .filter(|column| !ignored(column) && !arguments.no_attributes)
            .filter_map(|column| Some((names.member(column).strip_prefix("custom.")?.to_owned(), column.clone())))
            .collect();
        let columns = COLUMNS.map(|member| names.column(member));
        table.each(|cells| sink(user(&arguments, &hashing, &columns, &attributes, cells)))
    }))
}

fn user(
    arguments: &SourceArguments,
    hashing: &Hashing,
    columns: &[String; 22],
    attributes: &[(String, String)],
    mut cells: Cells<'_>,
) -> Row {
    let column = |member: &str| {
        let at = COLUMNS.iter().position(|known| *known == member);
        at.map_or("", |at| columns[at].as_str())
    };
    if !cells.row.problems.is_empty() {
        return cells.row;
    }
    let (email, verified) = (cells.text(column("email")), cells.flag(column("email_verified")));
    cells.row.email(column("email"), email.as_deref().unwrap_or_default(), verified);
    let (phone, verified) = (cells.text(column("phone")), cells.flag(column("phone_verified")));
    cells.row.phone(column("phone"), phone.as_deref().unwrap_or_default(), verified);
    match cells.text(column("login_id")) {
        Some(login_id) => cells.row.names([login_id]),
        None => super::members::choose_names(&mut cells.row, arguments, None, None),
    }
    if let Some(further) = cells.text(column("further_login_ids")) {
        cells.row.names(list(&further));
    }
    cells.row.entry.name = cells.text(column("name"));
    cells.row.entry.given_name = cells.text(column("given_name"));
    cells.row.entry.middle_name = cells.text(column("middle_name"));
    cells.row.entry.family_name = cells.text(column("family_name"));
    cells.row.entry.picture = cells.text(column("picture"));
    match cells.text(column("status")).as_deref() {
        None | Some("enabled") => {}
        Some("disabled") => cells.row.status(false),
        Some("invited") => cells.row.entry.status = Some(UserStatus::INVITED),
        Some(_) => cells.row.blame(Verdict::Malformed, column("status"), "is not enabled, disabled or invited"),
    }
    if let Some(roles) = cells.text(column("roles")) {
        cells.row.entry.role_names = list(&roles);
    }
    if let Some(tenants) = cells.text(column("tenants")) {
        cells.row.entry.user_tenants = list(&tenants).iter().map(|text| tenant(text)).collect();
    }
    if let Some(created) = cells.text(column("created")) {
        cells.row.entry.created_time = created.parse().ok().or_else(|| seconds_of(&created));
        if cells.row.entry.created_time.is_none() {
            let why = "is neither epoch seconds nor a time such as 2024-05-01T12:00:00Z";
            cells.row.blame(Verdict::Malformed, column("created"), why);
        }
    }
    for (name, place) in attributes {
        let Some(text) = cells.text(place) else { continue };
        let (name, kind) = name.split_once(':').unwrap_or((name, "text"));
        match value(kind, &text) {
            Ok(value) => drop(cells.row.entry.custom_attributes.insert(name.to_owned(), value)),
            Err(why) => cells.row.blame(Verdict::Malformed, place, why),
        }
    }
    let scheme = cells.text(column("password_scheme"));
    match (scheme, cells.text(column("password_hash"))) {
        (Some(scheme), Some(hash)) => {
            let numbers = ["password_iterations", "password_memory", "password_threads"];
            let numbers = numbers.map(|member| cells.number(column(member)).unwrap_or_default());
            let salt = cells.text(column("password_salt")).unwrap_or_default();
            let kind = cells.text(column("password_type"));
            let hash = match scheme.as_str() {
                "firebase" => hashing.hash(&hash, &salt),
                scheme => password(scheme, &hash, &salt, numbers, kind.as_deref()),
            };
            cells.row.password(column("password_hash"), hash);
        }
        (None, Some(hash)) if hash.starts_with("$2") => {
            cells.row.password(column("password_hash"), hash::bcrypt("", &hash));
        }
        (None, Some(_)) => {
            let why = "is missing, and the hash does not say by itself which it is";
            cells.row.blame(Verdict::UnsupportedHash, column("password_scheme"), why);
        }
        (Some(_), None) => cells.row.blame(Verdict::MalformedHash, column("password_hash"), "is missing"),
        (None, None) => {}
    }
    cells.row
}

/// `T1:Admin|Viewer`: a tenant, and the roles in it.
fn tenant(text: &str) -> AssociatedTenant {
    match text.split_once(':') {
        Some((id, roles)) => {
            let roles = roles.split('|').map(str::trim).filter(|role| !role.is_empty());
            AssociatedTenant::new(id.trim()).role_names(roles)
        }
        None => AssociatedTenant::new(text),
    }
}

fn value(kind: &str, text: &str) -> std::result::Result<Value, &'static str> {
    match kind {
        "text" => Ok(Value::String(text.to_owned())),
        "number" => text.parse::<Number>().map(Value::Number).map_err(|_| "is not a number"),
        "bool" => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("is not true or false"),
        },
        "list" => Ok(list(text).into_iter().map(Value::String).collect()),
        "json" => serde_json::from_str(text).map_err(|_| "is not JSON"),
        _ => Err("the column has an unknown type; it can be text, number, bool, list and json"),
    }
}

fn password(scheme: &str, hash: &str, salt: &str, [iterations, memory, threads]: [i64; 3], kind: Option<&str>) -> Hash {
    match scheme {
        "bcrypt" => hash::bcrypt("", hash),
        "phc" => hash::phc("", hash),
        "argon2" | "pbkdf2" if hash.starts_with('$') => hash::phc("", hash),
        "argon2" => {
            let (salt, hash) = (hash::base64("salt", salt)?, hash::base64("", hash)?);
            hash::argon2("", kind.unwrap_or("argon2id"), (iterations, memory, threads), &salt, &hash)
        }
        "pbkdf2" => {
            let (salt, hash) = (hash::base64("salt", salt)?, hash::base64("", hash)?);
            hash::pbkdf2("", kind.unwrap_or("sha256"), iterations, &salt, &hash)
        }
        "sha" => {
            let kind = kind.unwrap_or("sha256");
            let length = hash::sha_length(kind);
            let length = length.ok_or_else(|| hash::unsupported("type", format!("SHA of type {kind:?}")))?;
            hash::sha("", kind, &hash::digest("", hash, length)?, &hash::hex("salt", salt)?)
        }
        "md5" if salt.is_empty() => hash::md5("", &hash::digest("", hash, 16)?),
        "md5" => Err(hash::unsupported("salt", "MD5 with a salt")),
        "phpass" => hash::phpass("", hash),
        "django" => hash::django("", hash),
        "ldap" => hash::ldap("", hash),
        other => Err(hash::unsupported("scheme", format!("the scheme {other:?}"))),
    }
}
