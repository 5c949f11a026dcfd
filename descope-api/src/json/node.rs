//! A JSON value that has been parsed and not yet been read into a type.
//!
//! Unlike `serde_json::Value` it borrows its texts from the answer, and its objects are lists: an answer is read once, member by
//! member, so that maps would cost more than looking through them.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::{Fault, FromJson, Read, Step, or_absent};

pub(crate) enum Node<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Members<'a>),
}

impl Node<'_> {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl From<Node<'_>> for Value {
    fn from(node: Node<'_>) -> Self {
        match node {
            Node::Null => Self::Null,
            Node::Bool(is) => Self::Bool(is),
            Node::Number(number) => Self::Number(number),
            Node::Text(text) => Self::String(text.into_owned()),
            Node::List(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Node::Object(mut members) => Self::Object(members.rest()),
        }
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, is: bool) -> Result<Self::Value, E> {
        Ok(Node::Bool(is))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(number).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::with_capacity(4);
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(16);
        while let Some((name, node)) = entries.next_entry()? {
            let Node::Text(name) = name else { return Err(de::Error::custom("a name that is not a string")) };
            members.push((name, Some(node)));
        }
        Ok(Node::Object(Members(members)))
    }
}

/// The members of an object. One that was read has left nothing but its name. Of two with one name the last counts.
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Option<Node<'a>>)>);

impl<'a> Members<'a> {
    pub(crate) fn take<T: FromJson>(&mut self, name: &'static str) -> Read<T> {
        match (self.remove(name), T::absent()) {
            (Some(node), absent) => or_absent(name, node, absent),
            (None, Some(absent)) => Ok(absent),
            (None, None) => Err(Fault::new("is missing").below(Step::Member(name))),
        }
    }

    pub(crate) fn take_or_default<T: FromJson + Default>(&mut self, name: &'static str) -> Read<T> {
        match self.remove(name) {
            Some(node) => or_absent(name, node, Some(T::default())),
            None => Ok(T::default()),
        }
    }

    /// Lets a member be called by another name, too.
    pub(crate) fn alias(&mut self, name: &'static str, other: &str) {
        if let Some(node) = self.remove(other)
            && !self.0.iter().any(|(known, _)| known == name)
        {
            self.0.push((Cow::Borrowed(name), Some(node)));
        }
    }

    /// All that are left.
    pub(crate) fn rest(&mut self) -> Map<String, Value> {
        self.unread().map(|(name, node)| (name.into_owned(), node.into())).collect()
    }

    /// What was not read yet, by its name.
    pub(super) fn unread(&mut self) -> impl Iterator<Item = (Cow<'a, str>, Node<'a>)> + use<'a> {
        let members = std::mem::take(&mut self.0);
        // The first of two with one name is still there when the other has been read.
        let read: BTreeSet<_> =
            members.iter().filter(|(_, node)| node.is_none()).map(|(name, _)| name.clone()).collect();
        members
            .into_iter()
            .filter_map(move |(name, node)| if read.contains(&name) { None } else { Some((name, node?)) })
    }

    fn remove(&mut self, name: &str) -> Option<Node<'a>> {
        self.0.iter_mut().rev().find(|(known, _)| known == name)?.1.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_kept_as_serde_json_keeps_it() {
        for text in [
            "null",
            "true",
            "-7",
            "18446744073709551615",
            "1.5e300",
            r#""""#,
            r#""a \"quoted\" \u00e9\n""#,
            "[]",
            r#"[1,[null,{"a":[]}],"b"]"#,
            "{}",
            r#"{"b":1,"a":{"\u0061":"c","d":null}}"#,
            r#"{"a":1,"b":2,"a":3}"#,
        ] {
            let expected: Value = serde_json::from_str(text).expect("JSON");
            let node: Node<'_> = serde_json::from_str(text).expect("JSON");
            assert_eq!(Value::from(node), expected, "{text}");
            // As it is read in the middle of a value that serde reads by itself.
            let node = Node::deserialize(&expected).expect("a value");
            assert_eq!(Value::from(node), expected, "{text}");
        }
    }

    #[test]
    fn the_last_of_two_members_with_one_name_counts() {
        let text = r#"{"a":1,"b":2,"a":3,"c":4,"c":5,"d":6}"#;
        let Node::Object(mut members) = serde_json::from_str(text).expect("JSON") else { panic!("it is an object") };
        members.alias("e", "d");
        members.alias("b", "c");
        assert_eq!(members.take("a").ok(), Some(3_i64));
        assert_eq!(members.take("b").ok(), Some(2_i64));
        assert_eq!(members.take::<Option<i64>>("a").ok(), Some(None));
        assert_eq!(Value::from(members.rest()), serde_json::json!({"e": 6}));
    }
}
