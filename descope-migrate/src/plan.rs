//! What stands in the way of each row.

use crate::{
    cli::{From, PlanArguments},
    error::Result,
    known::{Known, key},
    report::Reporter,
    row::{Row, Verdict},
    service::{Facts, Service},
    source,
};

/// So many users of the project are read in any case.
const FEW: u64 = 1_000;
/// How long a record is at the least, give or take.
const SHORT_RECORD: u64 = 500;

/// What an earlier run has made of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    Created,
    Failed,
}

/// Gives rows their verdicts, in their order.
pub(crate) struct Judge {
    /// The login ids of the rows so far, and those of earlier runs: the number of the record, and two bits for what became
    /// of it.
    seen: Known,
    facts: Option<Facts>,
    /// Records keep their numbers from run to run.
    numbered: bool,
}

const CREATED: u64 = 1;
const FAILED: u64 = 2;

/// A number with what has become of it.
pub(crate) fn marked(number: u64, before: Before) -> u64 {
    let mark = match before {
        Before::Nothing => 0,
        Before::Created => CREATED,
        Before::Failed => FAILED,
    };
    number << 2 | mark
}

impl Judge {
    pub(crate) fn new(seen: Known, facts: Option<Facts>, from: From) -> Self {
        Self { seen, facts, numbered: from != From::Descope }
    }

    /// Adds to a row what is wrong with it, and tells what an earlier run has made of it.
    pub(crate) fn judge(&mut self, row: &mut Row) -> Before {
        if row.login_id().is_empty() {
            return Before::Nothing;
        }
        let number = row.place.number;
        let mut before = Before::Nothing;
        let mut twice = None;
        for (at, login_id) in row.login_ids().enumerate() {
            let Some(earlier) = self.seen.insert(&key(login_id), marked(number, Before::Nothing)) else { continue };
            let mark = earlier & 3;
            // Of a project, login ids are unique: whoever has been there before is the same. And so is who was found by
            // the login id alone, and has no number.
            let same = earlier >> 2 == number || (!self.numbered || earlier >> 2 == 0) && mark != 0;
            match (same, mark) {
                (true, CREATED) if at == 0 => before = Before::Created,
                (true, FAILED) if at == 0 => before = Before::Failed,
                (true, _) => {}
                (false, _) => twice = Some((at, earlier >> 2)),
            }
        }
        if before != Before::Nothing {
            return before;
        }
        if let Some((at, earlier)) = twice {
            let member = if at == 0 { "login id" } else { "further login id" };
            row.blame(Verdict::Duplicate, member, format!("record {earlier} has it too"));
        }
        if let Some(facts) = &self.facts {
            missing(row, facts);
        }
        before
    }
}

/// What the project lacks for a row.
fn missing(row: &mut Row, facts: &Facts) {
    let entry = &row.entry;
    let mut problems = Vec::new();
    for role in entry.role_names.iter().filter(|role| !facts.has_role(role, None)) {
        problems.push((Verdict::MissingRole, role.clone(), "the project has no such role".to_owned()));
    }
    for tenant in &entry.user_tenants {
        let id = &tenant.tenant_id;
        if !facts.has_tenant(id) {
            problems.push((Verdict::MissingTenant, id.clone(), "the project has no tenant of this id".to_owned()));
            continue;
        }
        for role in tenant.role_names.iter().filter(|role| !facts.has_role(role, Some(id))) {
            problems.push((
                Verdict::MissingRole,
                role.clone(),
                format!("neither the project nor the tenant {id} has such a role"),
            ));
        }
    }
    for name in entry.custom_attributes.keys().filter(|name| !facts.has_attribute(name)) {
        problems.push((Verdict::MissingAttribute, name.clone(), "the project has no such custom attribute".to_owned()));
    }
    for (verdict, member, reason) in problems {
        row.blame(verdict, member, reason);
    }
}

/// The users who are in the project already.
enum Existing {
    /// Nobody was asked.
    Unknown,
    All(Known),
    /// Too many to hold: looked up by chunks.
    Ask(Service),
}

impl Existing {
    /// Whoever is in the project is read where that takes fewer calls than looking up who is in the source.
    async fn of(service: Service, rows: u64) -> Result<Self> {
        if service.count().await? > rows.max(FEW) {
            return Ok(Self::Ask(service));
        }
        let mut known = Known::new();
        let mut failures = 0;
        let mut users = service.descope().management().users().search().with_test_user(true).stream();
        while let Some(user) = users.next().await {
            match user {
                Ok(user) => {
                    failures = 0;
                    for login_id in user.login_ids {
                        known.insert(&key(&crate::row::normal(&login_id)), 0);
                    }
                }
                Err(error) => match Service::patience(&error, failures) {
                    Some(wait) => {
                        failures += 1;
                        tokio::time::sleep(wait).await;
                    }
                    None => return Err(crate::error::Error::service(error)),
                },
            }
        }
        Ok(Self::All(known))
    }

    /// Blames the rows whose login ids are taken.
    async fn check(&self, rows: &mut [Row]) -> Result<()> {
        let found = match self {
            Self::Ask(service) => {
                let login_ids: Vec<String> = rows
                    .iter()
                    .filter(|row| row.verdict() == Verdict::Ok)
                    .flat_map(Row::login_ids)
                    .map(str::to_owned)
                    .collect();
                Some(service.find(&login_ids).await?)
            }
            _ => None,
        };
        for row in rows.iter_mut().filter(|row| row.verdict() == Verdict::Ok) {
            let taken = row.login_ids().any(|login_id| match (self, &found) {
                (Self::All(known), _) => known.get(&key(login_id)).is_some(),
                (_, Some(found)) => found.get(login_id).is_some(),
                _ => false,
            });
            if taken {
                row.blame(Verdict::Exists, "login id", "a user of the project has it");
            }
        }
        Ok(())
    }
}

/// Gives each row a verdict, and changes nothing.
pub(crate) async fn run(arguments: PlanArguments) -> Result<bool> {
    let service = if arguments.offline { None } else { Some(Service::connect(&arguments.service)?) };
    let mut reading = source::read(&arguments.source, arguments.service.timeout).await?;
    let (facts, existing) = match service {
        Some(service) => {
            let record = if arguments.source.from == From::Descope { 1 } else { SHORT_RECORD };
            let rows = reading.total.unwrap_or_default() / record;
            (Some(service.facts().await?), Existing::of(service, rows).await?)
        }
        None => (None, Existing::Unknown),
    };
    let reporter = Reporter::new("plan", &arguments.report, reading.total)?;
    let mut reporter = reporter.with_verdicts(arguments.verdicts.as_deref())?;
    let mut judge = Judge::new(Known::new(), facts, arguments.source.from);
    let mut rows = Vec::new();
    let ended = loop {
        let next = reading.next().await;
        let last = !matches!(next, Some(Ok(_)));
        let error = match next {
            Some(Ok(mut row)) => {
                reporter.read(&row);
                judge.judge(&mut row);
                rows.push(row);
                None
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        if last || rows.len() == 100 {
            existing.check(&mut rows).await?;
            for row in rows.drain(..) {
                if row.verdict() == Verdict::Ok && row.password_left {
                    reporter.password_left();
                }
                reporter.judged(&row)?;
            }
        }
        if last {
            break error;
        }
    };
    let good = reporter.all(Verdict::Ok);
    reporter.finish(ended.is_none())?;
    ended.map_or(Ok(good), Err)
}
