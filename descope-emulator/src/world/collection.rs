//! Things that a project has many of: found by id, by unique names, and by what they belong to.

use std::{
    borrow::Cow,
    fmt::{self, Debug},
    sync::Arc,
};

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

use super::log::{Change, Log};

/// A thing that a project has many of.
pub(crate) trait Record: Clone + Debug + Serialize + DeserializeOwned {
    /// Its name in audit entries, such as `User` in `UserCreated`; nothing is audited without.
    const AUDITED: Option<&'static str> = None;

    fn id(&self) -> &str;

    /// Further names by which it is found, each unique within the collection: login ids, names of tenants.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    /// The form of a name in which things are named; whoever asks may use another one.
    fn canonical(name: &str) -> Cow<'_, str> {
        Cow::Borrowed(name)
    }

    /// Whom it belongs to, as ids that are unique among all kinds of things. It goes when any of them goes.
    fn owners(&self) -> Vec<String> {
        Vec::new()
    }

    /// Epoch seconds from which it is over; it is forgotten some time after.
    fn ends_at(&self) -> Option<i64> {
        None
    }

    /// The login ids that an audit entry about it bears.
    fn login_ids(&self) -> Vec<String> {
        Vec::new()
    }

    /// The tenants that an audit entry about it bears.
    fn tenant_ids(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why a change was not made. The collection is as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The id or a name is taken.
    Taken(String),
    /// There is nothing with this id.
    Missing(String),
}

/// Records by id, with an index of their names and one of their owners. A copy takes no time.
#[derive(Clone)]
#[allow(clippy::struct_field_names, reason = "each is a way to find a record")]
pub(crate) struct Collection<R> {
    by_id: OrdMap<String, Arc<R>>,
    by_name: OrdMap<String, String>,
    by_owner: OrdMap<String, OrdSet<String>>,
}

impl<R> Default for Collection<R> {
    fn default() -> Self {
        Self { by_id: OrdMap::new(), by_name: OrdMap::new(), by_owner: OrdMap::new() }
    }
}

impl<R> Debug for Collection<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records", self.by_id.len())
    }
}

impl<R: Record> Collection<R> {
    pub(crate) fn get(&self, id: &str) -> Option<&R> {
        self.by_id.get(id).map(|record| &**record)
    }

    pub(crate) fn named(&self, name: &str) -> Option<&R> {
        self.get(self.by_name.get(&*R::canonical(name))?)
    }

    /// By name or, where nothing has that name, by id.
    pub(crate) fn find(&self, key: &str) -> Option<&R> {
        self.named(key).or_else(|| self.get(key))
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// All of them, in the order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &R> {
        self.by_id.values().map(|record| &**record)
    }

    /// Those whose ids begin with `prefix`, in the order of their ids.
    pub(crate) fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a R> + use<'a, R> {
        let from = self.by_id.range(prefix.to_owned()..);
        from.take_while(move |(id, _)| id.starts_with(prefix)).map(|(_, record)| &**record)
    }

    /// Those that have a name that begins with `prefix`, in the order of these names.
    pub(crate) fn named_with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a R> + use<'a, R> {
        let from = self.by_name.range(prefix.to_owned()..);
        from.take_while(move |(name, _)| name.starts_with(prefix)).filter_map(|(_, id)| self.get(id))
    }

    /// Those that belong to `owner`.
    pub(crate) fn owned<'a>(&'a self, owner: &str) -> impl Iterator<Item = &'a R> + use<'a, R> {
        self.by_owner.get(owner).into_iter().flat_map(OrdSet::iter).filter_map(|id| self.get(id))
    }

    /// Adds a record whose id and names are free.
    pub(crate) fn insert(&mut self, log: &mut Log, record: R) -> Result<Arc<R>, Conflict> {
        if self.by_id.contains_key(record.id()) {
            return Err(Conflict::Taken(record.id().to_owned()));
        }
        if let Some(taken) = record.names().into_iter().find(|name| self.by_name.contains_key(name)) {
            return Err(Conflict::Taken(taken));
        }
        Ok(self.put(log, Change::Created, record))
    }

    /// Changes a record, all of it or nothing: the closure works on a copy.
    pub(crate) fn edit<E: From<Conflict>>(
        &mut self,
        log: &mut Log,
        id: &str,
        change: impl FnOnce(&mut R) -> Result<(), E>,
    ) -> Result<Arc<R>, E> {
        let old = self.by_id.get(id).cloned().ok_or_else(|| Conflict::Missing(id.to_owned()))?;
        let mut record = R::clone(&old);
        change(&mut record)?;
        let taken = |name: &String| self.by_name.get(name).is_some_and(|owner| owner != id);
        if let Some(taken) = record.names().into_iter().find(taken) {
            return Err(Conflict::Taken(taken).into());
        }
        self.forget_index(&old);
        Ok(self.put(log, Change::Modified, record))
    }

    /// Changes a record by a closure that cannot fail. A record that is not there is left alone.
    pub(crate) fn update(&mut self, log: &mut Log, id: &str, change: impl FnOnce(&mut R)) -> Option<Arc<R>> {
        let edited = self.edit::<Conflict>(log, id, |record| {
            change(record);
            Ok(())
        });
        edited.ok()
    }

    /// The same for what the audit trail does not tell of as a change of the record.
    pub(crate) fn update_quietly(&mut self, log: &mut Log, id: &str, change: impl FnOnce(&mut R)) -> Option<Arc<R>> {
        log.touch();
        self.update(&mut Log::default(), id, change)
    }

    pub(crate) fn remove(&mut self, log: &mut Log, id: &str) -> Option<Arc<R>> {
        let record = self.by_id.remove(id)?;
        self.forget_index(&record);
        log.note(Change::Deleted, &*record);
        Some(record)
    }

    /// Removes those that are chosen, and tells how many they were.
    pub(crate) fn remove_where(&mut self, log: &mut Log, chosen: impl Fn(&R) -> bool) -> usize {
        let ids: Vec<String> =
            self.iter().filter(|record| chosen(record)).map(|record| record.id().to_owned()).collect();
        ids.iter().filter(|id| self.remove(log, id).is_some()).count()
    }

    /// Removes everything that belongs to `owner`.
    pub(crate) fn remove_owned(&mut self, log: &mut Log, owner: &str) {
        let ids: Vec<String> = self.by_owner.get(owner).into_iter().flat_map(OrdSet::iter).cloned().collect();
        for id in ids {
            self.remove(log, &id);
        }
    }

    /// Forgets what was over at `time`. That is no change that anybody would hear of.
    pub(crate) fn sweep(&mut self, time: i64) {
        let over = |record: &&R| record.ends_at().is_some_and(|end| end <= time);
        let ids: Vec<String> = self.iter().filter(over).map(|record| record.id().to_owned()).collect();
        for id in ids {
            if let Some(record) = self.by_id.remove(&id) {
                self.forget_index(&record);
            }
        }
    }

    fn put(&mut self, log: &mut Log, change: Change, record: R) -> Arc<R> {
        let id = record.id().to_owned();
        log.note(change, &record);
        for name in record.names() {
            self.by_name.insert(name, id.clone());
        }
        for owner in record.owners() {
            self.by_owner.entry(owner).or_default().insert(id.clone());
        }
        let record = Arc::new(record);
        self.by_id.insert(id, Arc::clone(&record));
        record
    }

    fn forget_index(&mut self, record: &R) {
        for name in record.names() {
            self.by_name.remove(&name);
        }
        for owner in record.owners() {
            if let Some(ids) = self.by_owner.get_mut(&owner) {
                ids.remove(record.id());
                if ids.is_empty() {
                    self.by_owner.remove(&owner);
                }
            }
        }
    }
}

/// A collection is written as the list of its records in the order of their ids; the indexes follow from it.
impl<R: Record> Serialize for Collection<R> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de, R: Record> Deserialize<'de> for Collection<R> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (mut collection, mut log) = (Self::default(), Log::default());
        for record in Vec::<R>::deserialize(from)? {
            let id = record.id().to_owned();
            // A name may be a secret, such as the clear text of a key.
            let twice = |_| serde::de::Error::custom(format!("{id:?}, or one of its names, is there twice"));
            collection.insert(&mut log, record).map_err(twice)?;
        }
        Ok(collection)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        id: String,
        names: Vec<String>,
        owner: String,
    }

    impl Record for Thing {
        const AUDITED: Option<&'static str> = Some("Thing");
        fn id(&self) -> &str {
            &self.id
        }
        fn names(&self) -> Vec<String> {
            self.names.clone()
        }
        fn owners(&self) -> Vec<String> {
            vec![self.owner.clone()]
        }
    }

    fn thing() -> impl Strategy<Value = Thing> {
        ("[a-d]", prop::collection::btree_set("[k-p]", 0..3), "[x-z]").prop_map(|(id, names, owner)| Thing {
            id,
            names: names.into_iter().collect(),
            owner,
        })
    }

    proptest! {
        /// Whatever is added, changed and removed: the indexes say what a look at every record says.
        #[test]
        fn the_indexes_agree_with_the_records(steps in prop::collection::vec((0..4, thing()), 0..60)) {
            let (mut things, mut log) = (Collection::<Thing>::default(), Log::default());
            let mut plain: BTreeMap<String, Thing> = BTreeMap::new();
            for (kind, thing) in steps {
                let free = |plain: &BTreeMap<String, Thing>| plain.values()
                    .all(|other| other.id == thing.id || other.names.iter().all(|name| !thing.names.contains(name)));
                match kind {
                    0 => {
                        let possible = !plain.contains_key(&thing.id) && free(&plain);
                        prop_assert_eq!(things.insert(&mut log, thing.clone()).is_ok(), possible);
                        if possible { plain.insert(thing.id.clone(), thing); }
                    }
                    1 => {
                        let possible = plain.contains_key(&thing.id) && free(&plain);
                        let edited = things.edit::<Conflict>(&mut log, &thing.id, |old| { *old = thing.clone(); Ok(()) });
                        prop_assert_eq!(edited.is_ok(), possible);
                        if possible { plain.insert(thing.id.clone(), thing); }
                    }
                    2 => prop_assert_eq!(things.remove(&mut log, &thing.id).is_some(), plain.remove(&thing.id).is_some()),
                    _ => {
                        things.remove_owned(&mut log, &thing.owner);
                        plain.retain(|_, other| other.owner != thing.owner);
                    }
                }
                prop_assert_eq!(things.iter().cloned().collect::<Vec<_>>(), plain.values().cloned().collect::<Vec<_>>());
                for name in ["k", "l", "m", "n", "o", "p"] {
                    let found = plain.values().find(|thing| thing.names.iter().any(|known| known == name));
                    prop_assert_eq!(things.named(name), found);
                }
                for owner in ["x", "y", "z"] {
                    let owned: Vec<_> = plain.values().filter(|thing| thing.owner == owner).collect();
                    prop_assert_eq!(things.owned(owner).collect::<Vec<_>>(), owned);
                }
                for prefix in ["", "a", "k"] {
                    let begin: Vec<_> = plain.values().filter(|thing| thing.id.starts_with(prefix)).collect();
                    prop_assert_eq!(things.with_prefix(prefix).collect::<Vec<_>>(), begin);
                    let mut names: Vec<_> = plain.values().flat_map(|thing| &thing.names).collect();
                    names.retain(|name| name.starts_with(prefix));
                    prop_assert_eq!(things.named_with_prefix(prefix).count(), names.len());
                }
                let text = serde_json::to_string(&things).expect("JSON");
                let again: Collection<Thing> = serde_json::from_str(&text).expect("reads");
                prop_assert_eq!(serde_json::to_string(&again).expect("JSON"), text);
            }
        }
    }

    #[test]
    fn every_change_leaves_a_trace_and_a_refused_one_none() {
        let (mut things, mut log) = (Collection::<Thing>::default(), Log::default());
        let thing = Thing { id: "a".into(), names: vec!["k".into()], owner: "x".into() };
        things.insert(&mut log, thing.clone()).expect("free");
        assert_eq!(things.insert(&mut log, thing.clone()), Err(Conflict::Taken("a".into())));
        let other = Thing { id: "b".into(), ..thing };
        assert_eq!(things.insert(&mut log, other), Err(Conflict::Taken("k".into())));
        assert_eq!(things.edit::<Conflict>(&mut log, "c", |_| Ok(())), Err(Conflict::Missing("c".into())));
        assert!(things.update(&mut log, "a", |thing| thing.owner = "y".into()).is_some());
        things.remove_owned(&mut log, "y");
        let actions: Vec<String> = log.take().into_iter().map(|event| event.action).collect();
        assert_eq!(actions, ["ThingCreated", "ThingModified", "ThingDeleted"]);
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused_when_a_collection_is_read() {
        let text = r#"[{"id":"a","names":["k"],"owner":"x"},{"id":"b","names":["k"],"owner":"x"}]"#;
        let error = serde_json::from_str::<Collection<Thing>>(text).expect_err("refused");
        assert!(error.to_string().contains("\"b\", or one of its names, is there twice"), "{error}");
    }
}
