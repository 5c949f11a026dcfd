//! Where the management key comes from.

use std::{
    error::Error as StdError,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use descope_api::Secret;

use crate::{Error, Result, check};

const ARGUMENT: &str = "management_key";

/// Where the management key comes from: a value, or a place that is looked at for each management call, so that a key can be
/// changed while the application runs.
///
/// [`DescopeBuilder::management_key`](crate::DescopeBuilder::management_key) takes it, and a text or a [`Secret`] in its place.
///
/// ```
/// use descope_sdk::{Descope, ManagementKey};
///
/// // A file that an operator or a secret store replaces.
/// let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij")
///     .management_key(ManagementKey::file("/run/secrets/descope-management-key"))
///     .build()?;
/// # drop(descope);
/// # Ok::<_, descope_sdk::Error>(())
/// ```
#[derive(Clone)]
pub struct ManagementKey(Source);

#[derive(Clone)]
enum Source {
    Value(Secret),
    Variable(Arc<str>),
    File(Arc<WatchedFile>),
    Function(Arc<Function>),
}

type Function = dyn Fn() -> std::result::Result<Secret, Box<dyn StdError + Send + Sync>> + Send + Sync;

/// A file, and what it held when it last changed.
struct WatchedFile {
    path: PathBuf,
    held: Mutex<Option<Held>>,
}

struct Held {
    changed: Option<SystemTime>,
    length: u64,
    key: Secret,
}

impl ManagementKey {
    /// The key itself. It is checked when the client is built.
    pub fn value(key: impl Into<Secret>) -> Self {
        Self(Source::Value(key.into()))
    }

    /// An environment variable, read for each management call.
    pub fn env(name: impl Into<String>) -> Self {
        Self(Source::Variable(name.into().into()))
    }

    /// A file that holds the key and nothing else but white space around it. It is read again when it has changed.
    ///
    /// Replace it by renaming another file over it, as secret stores do: one that is written in place can be seen half
    /// written.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self(Source::File(Arc::new(WatchedFile { path: path.as_ref().to_owned(), held: Mutex::new(None) })))
    }

    /// A function, called for each management call. It should return at once: keep the key at hand, and renew it elsewhere.
    ///
    /// ```
    /// use descope_sdk::{ManagementKey, Secret};
    ///
    /// let key = ManagementKey::from_fn(|| Ok(Secret::from("K2RmxQ7w8E9r0T1y2U3i4O5p6As")));
    /// # drop(key);
    /// ```
    pub fn from_fn(
        key: impl Fn() -> std::result::Result<Secret, Box<dyn StdError + Send + Sync>> + Send + Sync + 'static,
    ) -> Self {
        Self(Source::Function(Arc::new(key)))
    }

    /// The key, if it is known once and for all.
    pub(crate) fn fixed(&self) -> Option<&Secret> {
        match &self.0 {
            Source::Value(key) => Some(key),
            _ => None,
        }
    }

    /// The key as it is now, or why there is none. The reason holds no part of it.
    pub(crate) fn now(&self) -> Result<Secret> {
        let refuse = |why: String| Err(Error::configuration(ARGUMENT, why));
        let key = match &self.0 {
            Source::Value(key) => key.clone(),
            Source::Variable(name) => match std::env::var(&**name) {
                Ok(value) => Secret::from(value.trim()),
                Err(_) => return refuse(format!("`{name}` is not set, from which the management key is read")),
            },
            Source::File(file) => match file.read() {
                Ok(key) => key,
                Err(error) => {
                    let path = file.path.display();
                    return refuse(format!("the management key cannot be read from {path}: {}", error.kind()));
                }
            },
            Source::Function(key) => match key() {
                Ok(key) => key,
                Err(error) => return refuse(format!("the function that gives the management key failed: {error}")),
            },
        };
        match check::bearer(ARGUMENT, &key) {
            Ok(()) => Ok(key),
            Err(refused) => refuse(refused.to_string()),
        }
    }
}

impl WatchedFile {
    fn read(&self) -> std::io::Result<Secret> {
        let about = fs::metadata(&self.path)?;
        let (changed, length) = (about.modified().ok(), about.len());
        let same = |held: &&Held| held.changed == changed && held.length == length && changed.is_some();
        // A poisoned lock holds a whole value all the same: it is replaced at once.
        if let Some(held) = self.held.lock().unwrap_or_else(PoisonError::into_inner).as_ref().filter(same) {
            return Ok(held.key.clone());
        }
        let key = Secret::from(fs::read_to_string(&self.path)?.trim());
        let held = Held { changed, length, key: key.clone() };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(key)
    }
}

impl fmt::Debug for ManagementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Value(_) => f.write_str("ManagementKey::value(..)"),
            Source::Variable(name) => write!(f, "ManagementKey::env({name:?})"),
            Source::File(file) => write!(f, "ManagementKey::file({:?})", file.path),
            Source::Function(_) => f.write_str("ManagementKey::from_fn(..)"),
        }
    }
}

impl From<Secret> for ManagementKey {
    fn from(key: Secret) -> Self {
        Self::value(key)
    }
}

impl From<&Secret> for ManagementKey {
    fn from(key: &Secret) -> Self {
        Self::value(key.clone())
    }
}

impl From<String> for ManagementKey {
    fn from(key: String) -> Self {
        Self::value(key)
    }
}

impl From<&String> for ManagementKey {
    fn from(key: &String) -> Self {
        Self::value(key.as_str())
    }
}

impl From<&str> for ManagementKey {
    fn from(key: &str) -> Self {
        Self::value(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn now(key: &ManagementKey) -> String {
        key.now().expect("a key").expose().to_owned()
    }

    #[test]
    fn a_file_is_read_again_when_it_has_changed() {
        let path = std::env::temp_dir().join(format!("descope-key-{}", std::process::id()));
        fs::write(&path, " K2first\n").unwrap();
        let key = ManagementKey::file(&path);
        assert_eq!((now(&key), now(&key)), ("K2first".to_owned(), "K2first".to_owned()));
        fs::write(&path, "K2second-and-longer").unwrap();
        assert_eq!(now(&key), "K2second-and-longer");
        for bad in ["", " \n", "K2 two", "K2:two", "K2\u{e9}"] {
            fs::write(&path, bad).unwrap();
            let error = key.now().unwrap_err();
            assert_eq!((error.kind(), error.argument()), (ErrorKind::Configuration, Some("management_key")));
            assert!(bad.trim().is_empty() || !error.to_string().contains(bad.trim()), "{error}");
        }
        fs::remove_file(&path).unwrap();
        let text = key.now().unwrap_err().to_string();
        assert!(text.contains("descope-key-") && text.contains("not found"), "{text}");
    }

    #[test]
    fn a_function_is_asked_each_time_and_its_failure_is_told() {
        let count = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&count);
        let key = ManagementKey::from_fn(move || {
            let mut count = counted.lock().unwrap();
            *count += 1;
            if *count == 3 { Err("the vault is sealed".into()) } else { Ok(format!("K2number{count}").into()) }
        });
        assert_eq!((now(&key), now(&key)), ("K2number1".to_owned(), "K2number2".to_owned()));
        assert!(key.now().unwrap_err().to_string().contains("the vault is sealed"));
        assert_eq!(now(&key), "K2number4");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let key = ManagementKey::env("DESCOPE_NOBODY_SETS_THIS");
        assert!(key.now().unwrap_err().to_string().contains("DESCOPE_NOBODY_SETS_THIS"));
        // One that every process has, if only with a value that no key has.
        assert!(ManagementKey::env("PATH").now().unwrap_err().to_string().contains("management_key"));
    }

    #[test]
    fn debug_shows_the_place_and_no_key() {
        let function = ManagementKey::from_fn(|| Ok("K2marked".into()));
        for key in [ManagementKey::value("K2marked"), ManagementKey::file("/a/b"), ManagementKey::env("X"), function] {
            assert!(!format!("{key:?}").contains("marked"));
        }
    }
}
