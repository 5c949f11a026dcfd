//! The types of the crate `http`, which tower and axum have.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::admission::{Extensions, Headers};

impl Headers for HeaderMap {
    fn all<'h>(&'h self, name: &'static str) -> impl Iterator<Item = &'h [u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }

    fn set(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.insert(HeaderName::from_static(name), value);
        }
    }

    fn add(&mut self, name: &'static str, value: &str) {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(name == header::SET_COOKIE);
            self.append(HeaderName::from_static(name), value);
        }
    }
}

impl Extensions for http::Extensions {
    fn put<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        self.insert(value);
    }

    fn take_away<T: Send + Sync + 'static>(&mut self) {
        self.remove::<T>();
    }
}
