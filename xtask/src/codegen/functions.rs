//! Leaner functions: what progenitor writes at the end of each is in `descope-api/src/answer.rs` once.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident, quote};
use syn::{Expr, GenericArgument, ImplItemFn, Local, Pat, PathArguments, ReturnType, Stmt, Type, parse_quote};

use super::operations::constant;
use crate::problem::Failure;

/// What a function does with a success, and the function of `descope-api/src/answer.rs` that does it.
const ANSWERS: [(&str, &str); 3] = [
    ("ResponseValue :: from_response (response) . await", "answered"),
    ("Ok (ResponseValue :: empty (response))", "acknowledged"),
    ("Ok (ResponseValue :: stream (response))", "streamed"),
];

/// Replaces the part of a function that is the same in all of them by a call.
pub(super) fn outline(function: &mut ImplItemFn) -> Result<(), Failure> {
    let name = function.sig.ident.to_string();
    let odd = |what: &str| Failure::Generator(format!("`{name}` {what} in another way than all others"));
    let stmts = std::mem::take(&mut function.block.stmts);
    let (mut kept, mut end, mut request_name) = (Vec::new(), Vec::new(), format_ident!("request"));
    for stmt in stmts {
        match declared(&stmt).as_deref() {
            Some("header_map") => {}
            None if end.is_empty() => {
                // The version of the document, of which the service knows nothing.
                let text = stmt.to_token_stream().to_string();
                if !(text.starts_with("header_map . append") && text.contains("\"api-version\"")) {
                    return Err(odd("begins"));
                }
            }
            // The second where a parameter has the name of the first.
            Some(local @ ("request" | "_request")) => {
                let Stmt::Local(Local { init: Some(init), .. }) = stmt else { return Err(odd("begins")) };
                let Expr::Try(built) = *init.expr else { return Err(odd("begins")) };
                let request = without_headers(*built.expr);
                request_name = format_ident!("{local}");
                kept.push(parse_quote!(let #request_name = #request;));
            }
            declared => {
                if declared == Some("info") || !end.is_empty() {
                    end.push(stmt);
                } else {
                    kept.push(stmt);
                }
            }
        }
    }
    let end = quote!(#(#end)*).to_string();
    let answer = ANSWERS
        .iter()
        .find(|(success, _)| end == usual_end(&name, &request_name, success))
        .ok_or_else(|| odd("ends"))?;
    let (answer, row) = (format_ident!("{}", answer.1), constant(&name));
    kept.push(Stmt::Expr(parse_quote!(self.#answer(#request_name, &operations::#row).await), None));
    function.block.stmts = kept;
    own_error(&mut function.sig.output).ok_or_else(|| odd("answers"))
}

/// `Result<T, Error<E>>` with the error of `descope-api/src/error.rs`.
fn own_error(output: &mut ReturnType) -> Option<()> {
    let ReturnType::Type(_, ty) = output else { return None };
    let Type::Path(path) = &mut **ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &mut path.path.segments.last_mut()?.arguments else { return None };
    let error = arguments.args.last_mut()?;
    let usual: GenericArgument = parse_quote!(Error<types::ErrorResponse>);
    if *error != usual {
        return None;
    }
    *error = parse_quote!(Error);
    Some(())
}

/// The name that a statement declares.
fn declared(stmt: &Stmt) -> Option<String> {
    let Stmt::Local(local) = stmt else { return None };
    match &local.pat {
        Pat::Ident(pat) => Some(pat.ident.to_string()),
        _ => None,
    }
}

/// `.header(…)` and `.headers(…)` taken out of a chain of calls.
fn without_headers(chain: Expr) -> Expr {
    match chain {
        Expr::MethodCall(call) if call.method == "header" || call.method == "headers" => {
            without_headers(*call.receiver)
        }
        Expr::MethodCall(mut call) => {
            *call.receiver = without_headers(*call.receiver);
            Expr::MethodCall(call)
        }
        Expr::Try(mut inner) => {
            *inner.expr = without_headers(*inner.expr);
            Expr::Try(inner)
        }
        other => other,
    }
}

/// What progenitor writes after the request has been put together.
fn usual_end(name: &str, request: &Ident, success: &str) -> String {
    let success: TokenStream = success.parse().unwrap_or_default();
    quote! {
        let info = OperationInfo { operation_id: #name, };
        self.pre(&mut #request, &info).await?;
        let result = self.exec(#request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200 ..= 299 => { #success }
            400u16..=499u16 => { Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)) }
            500u16..=599u16 => { Err(Error::ErrorResponse(ResponseValue::from_response(response).await?)) }
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(head: &str, success: &str) -> ImplItemFn {
        let end = usual_end("f", &format_ident!("request"), success);
        syn::parse_str(&format!(
            r#"async fn f(&self) -> Result<ResponseValue<types::T>, Error<types::ErrorResponse>> {{
                let url = format!("{{}}/f", self.baseurl);
                let mut header_map = HeaderMap::with_capacity(1usize);
                header_map.append(HeaderName::from_static("{head}"), HeaderValue::from_static("1"));
                let mut request = self.client.get(url).header(ACCEPT, "x").query(&q)?.headers(header_map).build()?;
                {end}
            }}"#
        ))
        .expect("a function")
    }

    #[test]
    fn what_all_functions_share_becomes_a_call() {
        for (success, call) in ANSWERS {
            let mut function = written("api-version", success);
            outline(&mut function).expect("as usual");
            let call = format_ident!("{call}");
            let expected: ImplItemFn = parse_quote! {
                async fn f(&self) -> Result<ResponseValue<types::T>, Error> {
                    let url = format!("{}/f", self.baseurl);
                    let request = self.client.get(url).query(&q)?.build();
                    self.#call(request, &operations::F).await
                }
            };
            assert_eq!(function, expected);
        }
    }

    #[test]
    fn what_is_unlike_all_others_is_not_lost() {
        for mut odd in [written("api-version", "panic ! ()"), written("x-more", ANSWERS[0].0)] {
            assert!(outline(&mut odd).is_err());
        }
    }
}
