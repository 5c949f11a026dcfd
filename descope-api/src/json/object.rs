//! Objects, which are read member by member as these come.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Map, Value};

use super::{Fault, FromJson, Read, Step, Writer, below, leave_out, value::refused};

/// A type with named members.
pub(crate) trait Object: Sized {
    /// The members that have to be there, by their places.
    const REQUIRED: &'static [&'static str] = &[];

    /// One of which nothing has been read.
    fn blank() -> Self;

    /// Reads the member of that name, whose value is next.
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Members<A>) -> Result<(), A::Error>;

    fn write<M: SerializeMap>(&self, to: &mut Writer<M>);
}

/// The members of an object that are still to come, and what is known of those that have come.
pub(crate) struct Members<A> {
    map: A,
    /// Which of those have come that have to be there, by their places.
    there: u64,
    /// Which members have come by the first of their names.
    told: u64,
    /// Why the object cannot be read.
    fault: Option<Fault>,
}

impl<'de, A: MapAccess<'de>> Members<A> {
    /// A member that may be left out. One that is not as documented is as good as none. Of two with one name the last
    /// counts.
    pub(crate) fn optional<T: FromJson + Default>(&mut self, name: &str, member: &mut T) -> Result<(), A::Error> {
        match self.value(name, member)? {
            Read::Value => {}
            Read::Nothing => *member = T::default(),
            Read::Misfit(fault) => {
                leave_out(fault);
                *member = T::default();
            }
        }
        Ok(())
    }

    /// A member that has to be there.
    ///
    /// - `at`: its place among those.
    pub(crate) fn required<T: FromJson>(&mut self, name: &str, at: u8, member: &mut T) -> Result<(), A::Error> {
        if self.there >> at & 1 == 1 {
            *member = T::blank();
        }
        self.there |= 1 << at;
        match self.value(name, member)? {
            Read::Value => {}
            Read::Nothing if T::NULLABLE => *member = T::blank(),
            Read::Nothing => self.failed(Fault::new("is null").below(Step::Member(name.into()))),
            Read::Misfit(fault) => self.failed(fault),
        }
        Ok(())
    }

    /// A member of which nothing is known.
    pub(crate) fn unknown(&mut self) -> Result<(), A::Error> {
        self.map.next_value::<IgnoredAny>().map(drop)
    }

    /// A member of which nothing is known, to be kept with others of the kind.
    pub(crate) fn rest(&mut self, name: &str, others: &mut Map<String, Value>) -> Result<(), A::Error> {
        others.insert(name.to_owned(), self.map.next_value()?);
        Ok(())
    }

    /// A member with several names has come by the first of them.
    ///
    /// - `at`: its place among those.
    pub(crate) fn told(&mut self, at: u8) -> &mut Self {
        self.told |= 1 << at;
        self
    }

    /// Whether a member with several names has come by the first of them, so that the others do not count.
    pub(crate) fn is_told(&self, at: u8) -> bool {
        self.told >> at & 1 == 1
    }

    fn value<T: FromJson>(&mut self, name: &str, member: &mut T) -> Result<Read, A::Error> {
        below(|| Step::Member(name.into()), || self.map.next_value_seed(Seed(member)))
    }

    /// The first fault is told.
    #[cold]
    fn failed(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn ended(self, required: &[&'static str]) -> Read {
        if let Some(fault) = self.fault {
            return Read::Misfit(fault);
        }
        match required.iter().enumerate().find(|(at, _)| self.there >> at & 1 == 0) {
            Some((_, name)) => Read::Misfit(Fault::new("is missing").below(Step::Member((*name).into()))),
            None => Read::Value,
        }
    }
}

impl<T: Object> FromJson for T {
    fn blank() -> Self {
        Object::blank()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        from.deserialize_any(Reader(self))
    }
}

struct Reader<'a, T>(&'a mut T);

impl<'de, T: Object> Visitor<'de> for Reader<'_, T> {
    type Value = Read;

    refused!("is not an object": bool number str seq);

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members { map, there: 0, told: 0, fault: None };
        while let Some(Name(name)) = members.map.next_key()? {
            self.0.member(&name, &mut members)?;
        }
        Ok(members.ended(T::REQUIRED))
    }
}

/// Reads a value where serde asks for one.
pub(super) struct Seed<'a, T>(pub(super) &'a mut T);

impl<'de, T: FromJson> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = Read;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        self.0.read(from)
    }
}

/// The name of a member, which costs nothing unless it is written with escapes.
pub(super) struct Name<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }

            fn visit_string<E>(self, name: String) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name)))
            }
        }

        from.deserialize_str(NameVisitor)
    }
}
