//! Why a verb ends with exit code 1.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use super::order::Refused;
use crate::cib::CibError;
use crate::ocf::{Failure, TimedOut};
use crate::sys::cluster::ClusterError;

/// What went wrong, with the remedy.
#[derive(Debug, Error)]
pub(super) enum Error {
    #[error("{0}; run this on a node of a running cluster, or give a saved CIB with --cib FILE")]
    NoCluster(Box<ClusterError>),
    /// The same, where no saved CIB will do.
    #[error("{0}; run this on a node of a running cluster")]
    NotHere(Box<ClusterError>),
    #[error("{0}")]
    Cluster(Box<ClusterError>),
    #[error("cannot read {}: {error}", .path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot write {}: {error}", .path.display())]
    Output { path: PathBuf, error: io::Error },
    #[error("{}: {error}; --cib needs the output of `cibadmin --query`", .path.display())]
    Cib { path: PathBuf, error: Box<CibError> },
    /// No resource, or several.
    #[error("{0}")]
    Choice(Failure),
    /// How the server is cannot be told.
    #[error("{0}")]
    Pulse(Failure),
    #[error("cannot listen on {place}: {error}; choose another --address or --port")]
    Listen { place: SocketAddr, error: io::Error },
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("{0}")]
    Late(#[from] TimedOut),
    #[error("cannot write the order: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write the answer: {0}")]
    Write(#[from] io::Error),
}

impl From<ClusterError> for Error {
    fn from(error: ClusterError) -> Self {
        Error::Cluster(Box::new(error))
    }
}
