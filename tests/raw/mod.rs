//! The generated layer: every type and every operation of the document.

mod operations;
mod paths;
mod schemas;
mod seam;
mod spans;
mod times;
mod types;
mod vocabulary;
