//! How every generated function ends: send, and read the answer by its status.
//!
//! The generator writes this out in each of them; `cargo xtask codegen` replaces it by these calls, because hundreds of
//! copies take as long to compile as everything else in the crate.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use progenitor_client::{ByteStream, ClientHooks as _, Error, OperationInfo, ResponseValue};
use reqwest::{Request, Response};
use serde::de::DeserializeOwned;

use crate::{Client, types::ErrorResponse};

type Result<T> = std::result::Result<T, Error<ErrorResponse>>;

impl Client {
    /// Sends a request that is answered with JSON.
    pub(crate) async fn answered<T: DeserializeOwned>(
        &self,
        request: reqwest::Result<Request>,
        operation: &'static str,
    ) -> Result<ResponseValue<T>> {
        let (status, headers, body) = self.read(request?, operation).await?;
        match serde_json::from_slice(&body) {
            Ok(inner) => Ok(ResponseValue::new(inner, status, headers)),
            Err(error) => Err(Error::InvalidResponsePayload(body, error)),
        }
    }

    /// Sends a request whose success is all that the answer tells.
    pub(crate) async fn acknowledged(
        &self,
        request: reqwest::Result<Request>,
        operation: &'static str,
    ) -> Result<ResponseValue<()>> {
        Ok(ResponseValue::empty(self.send(accepting_json(request?), operation).await?))
    }

    /// Sends a request that is answered with something else than JSON.
    pub(crate) async fn streamed(
        &self,
        request: reqwest::Result<Request>,
        operation: &'static str,
    ) -> Result<ResponseValue<ByteStream>> {
        Ok(ResponseValue::stream(self.send(request?, operation).await?))
    }

    /// The part of [`answered`](Self::answered) that is the same for every type.
    pub(crate) async fn read(
        &self,
        request: Request,
        operation: &'static str,
    ) -> Result<(StatusCode, HeaderMap, Bytes)> {
        let mut response = self.send(accepting_json(request), operation).await?;
        let headers = std::mem::take(response.headers_mut());
        Ok((response.status(), headers, response.bytes().await.map_err(Error::ResponseBodyError)?))
    }

    async fn send(&self, mut request: Request, operation: &'static str) -> Result<Response> {
        let info = OperationInfo { operation_id: operation };
        self.pre(&mut request, &info).await?;
        let response = self.exec(request, &info).await?;
        match response.status().as_u16() {
            200..=299 => Ok(response),
            400..=599 => Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
}

fn accepting_json(mut request: Request) -> Request {
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request
}
