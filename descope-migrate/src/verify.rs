//! Reads users back and compares them with the source.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use descope_sdk::{
    Secret,
    management::user::{User, UserBatchCreateEntry},
};
use serde::Deserialize;

use crate::{
    cli::VerifyArguments,
    error::{Error, Result},
    journal::Journal,
    plan::{Before, Judge},
    report::Reporter,
    row::{Place, Row, Verdict, normal},
    service::Service,
    source,
};

/// How many users are read back at a time.
const CHUNK: usize = 100;

/// Verdicts that say that the project is not as the journal has it.
const BAD: [Verdict; 3] = [Verdict::Missing, Verdict::Differs, Verdict::SignInFailed];

/// Compares what a journal has created with its source.
pub(crate) async fn run(arguments: VerifyArguments) -> Result<bool> {
    let service = Service::connect(&arguments.service)?;
    let journal = Journal::open(&arguments.journal)?;
    let state = journal.load(|_| Ok(()))?;
    state.require_project(&journal, &service)?;
    state.require_files()?;
    let mut source = state.begin.source;
    source.signer = arguments.signer;
    let facts = service.facts().await?;
    let mut judge = Judge::new(state.settled, Some(facts), source.from);
    let mut reading = source::read(&source, arguments.service.timeout).await?;
    let mut reporter = Reporter::new("verify", &arguments.report, reading.total)?;
    let mut rows = Vec::new();
    let ended = loop {
        let next = reading.next().await;
        let last = !matches!(next, Some(Ok(_)));
        let error = match next {
            Some(Ok(mut row)) => {
                reporter.read(&row);
                match judge.judge(&mut row) {
                    // Nobody has promised that they are there.
                    Before::Failed => {
                        reporter.row(row.place, row.login_id(), Verdict::Refused, "", "was not created")?;
                    }
                    Before::Nothing if row.verdict() != Verdict::Ok => reporter.judged(&row)?,
                    Before::Created | Before::Nothing => rows.push(row),
                }
                None
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        if last || rows.len() == CHUNK {
            compare(&service, &mut reporter, &rows).await?;
            rows.clear();
        }
        if last {
            break error;
        }
    };
    if let (Some(passwords), None) = (&arguments.passwords, &ended) {
        sign_in(&service, &mut reporter, passwords).await?;
    }
    let good = BAD.iter().all(|verdict| reporter.count(*verdict) == 0);
    reporter.finish(ended.is_none())?;
    ended.map_or(Ok(good), Err)
}

async fn compare(service: &Service, reporter: &mut Reporter, rows: &[Row]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let login_ids: Vec<String> = rows.iter().map(|row| row.login_id().to_owned()).collect();
    let found = service.find(&login_ids).await?;
    for row in rows {
        let Some(user) = found.get(row.login_id()) else {
            reporter.row(row.place, row.login_id(), Verdict::Missing, "", "is not in the project")?;
            continue;
        };
        let differences = differences(&row.entry, user);
        if differences.is_empty() {
            reporter.row(row.place, row.login_id(), Verdict::Ok, "", "")?;
        } else {
            let members: Vec<&str> = differences.keys().copied().collect();
            let reasons: Vec<&str> = differences.values().map(String::as_str).collect();
            reporter.row(row.place, row.login_id(), Verdict::Differs, &members.join("; "), &reasons.join("; "))?;
        }
    }
    Ok(())
}

/// The members in which a user is not as the source has it.
fn differences(wanted: &UserBatchCreateEntry, user: &User) -> BTreeMap<&'static str, String> {
    let mut found = BTreeMap::new();
    let mut note = |member: &'static str, wanted: &str, is: &str| {
        let short = |text: &str| text.chars().take(60).collect::<String>();
        found.insert(member, format!("{member} is {:?} and was {:?}", short(is), short(wanted)));
    };
    let texts = [
        ("email", &wanted.email, &user.email),
        ("phone", &wanted.phone, &user.phone),
        ("name", &wanted.name, &user.name),
        ("givenName", &wanted.given_name, &user.given_name),
        ("middleName", &wanted.middle_name, &user.middle_name),
        ("familyName", &wanted.family_name, &user.family_name),
        ("picture", &wanted.picture, &user.picture),
    ];
    for (member, wanted, is) in texts {
        let is = is.as_deref().unwrap_or_default();
        let same = |wanted: &str| wanted == is || matches!(member, "email" | "phone") && wanted == normal(is);
        if let Some(wanted) = wanted.as_deref().filter(|wanted| !same(wanted)) {
            note(member, wanted, is);
        }
    }
    let flags = [
        ("verifiedEmail", wanted.verified_email, user.verified_email),
        ("verifiedPhone", wanted.verified_phone, user.verified_phone),
        ("password", Some(wanted.hashed_password.is_some()).filter(|has| *has), user.password),
    ];
    for (member, wanted, is) in flags {
        let is = is.unwrap_or_default();
        if let Some(wanted) = wanted.filter(|wanted| *wanted != is) {
            note(member, &wanted.to_string(), &is.to_string());
        }
    }
    let status =
        |status: &Option<descope_sdk::management::user::UserStatus>| status.as_ref().map(|one| one.as_str().to_owned());
    if status(&wanted.status) != status(&user.status) {
        note("status", &status(&wanted.status).unwrap_or_default(), &status(&user.status).unwrap_or_default());
    }
    if let Some(created) = wanted.created_time.filter(|created| user.created_time != Some(*created)) {
        note("createdTime", &created.to_string(), &user.created_time.unwrap_or_default().to_string());
    }
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    let joined = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(";");
    let (roles, are) = (set(&wanted.role_names), set(&user.role_names));
    if roles != are {
        note("roleNames", &joined(&roles), &joined(&are));
    }
    let tenants: BTreeSet<String> = wanted
        .user_tenants
        .iter()
        .map(|tenant| format!("{}:{}", tenant.tenant_id, joined(&set(&tenant.role_names))))
        .collect();
    let are: BTreeSet<String> = user
        .user_tenants
        .iter()
        .map(|tenant| {
            format!("{}:{}", tenant.tenant_id.as_deref().unwrap_or_default(), joined(&set(&tenant.role_names)))
        })
        .collect();
    if tenants != are {
        note("userTenants", &joined(&tenants), &joined(&are));
    }
    let names: BTreeSet<String> = user.login_ids.iter().map(|login_id| normal(login_id)).collect();
    if let Some(missing) = wanted.additional_identifiers.iter().find(|name| !names.contains(*name)) {
        note("loginIds", missing, &joined(&names));
    }
    let odd = wanted.custom_attributes.iter().find(|(name, value)| user.custom_attributes.get(*name) != Some(value));
    if let Some((name, _)) = odd {
        found.insert("customAttributes", format!("the custom attribute {name} is different"));
    }
    found
}

/// One line of the file with known passwords.
#[derive(Deserialize)]
struct Known {
    login_id: String,
    password: String,
}

/// Signs in whose password is known.
async fn sign_in(service: &Service, reporter: &mut Reporter, path: &Path) -> Result<()> {
    let broken = |error: &csv::Error| {
        let line = error.position().map(csv::Position::line);
        Error::input(path, line, "is not a CSV file with the columns login_id and password")
    };
    let mut reader = csv::ReaderBuilder::new().from_path(path).map_err(|error| broken(&error))?;
    let mut signed_in = 0_u64;
    for known in reader.deserialize::<Known>() {
        let Known { login_id, password } = known.map_err(|error| broken(&error))?;
        let (login_id, password) = (normal(&login_id), Secret::from(password));
        let mut failures = 0;
        loop {
            let Err(error) = service.descope().password().sign_in(&login_id, &password).send().await else {
                signed_in += 1;
                break;
            };
            let Some(wait) = Service::patience(&error, failures) else {
                reporter.row(Place::default(), &login_id, Verdict::SignInFailed, "password", &error.to_string())?;
                break;
            };
            tokio::time::sleep(wait).await;
            failures += 1;
        }
    }
    reporter.more.insert("signedIn", signed_in.into());
    Ok(())
}
