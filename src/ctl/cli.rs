//! The words of the command line.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use super::health::Thresholds;

/// What the galera-rs agent sees and decides, for people
#[derive(Debug, Parser)]
#[command(
    name = "galeractl",
    version,
    after_help = "Exit codes: 0 done; 1 it cannot be told or done, or is refused; 2 wrong usage; \
                  3 and 4: check has found a warning, a danger; health: degraded, failed."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

impl Cli {
    /// Reads the words after the name of the command.
    ///
    /// # Errors
    /// When they are not as declared, or standard input is to be looked at more than once.
    pub fn of(words: &[String]) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(std::iter::once(&"galeractl".to_owned()).chain(words))?;
        if matches!(&cli.verb, Verb::Status(status) if status.watches_standard_input()) {
            let text = "--watch looks again, and standard input can be read once: give --cib a file that is written anew";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, text));
        }
        Ok(cli)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Show quorum, epoch, every node with its data, who is missing, and the verdict
    Status(Status),
    /// Show the verdict of this moment, the rule and the facts behind it, and what to do next
    Explain(View),
    /// Write one HTML page: the cluster drawn, its nodes, and the last failover with the seconds that each phase took
    ///
    /// The page needs no other file, no script and no network. Times are from the CIB's history and Pacemaker's log.
    Report(Report),
    /// Name what in the configuration will hurt: of the cluster, and on this node
    ///
    /// Reads the CIB and this node's own option files, and changes nothing. Run it on every node.
    Check(View),
    /// Tell how this node's server is, also as a Nagios plugin
    Health(Health),
    /// Answer load balancers and Prometheus over HTTP until killed
    ///
    /// / answers as clustercheck does: 200 when the node is Synced, else 503. /writer is 200 on a promoted node, /reader on
    /// one that is not. /metrics is for Prometheus.
    Serve(Serve),
    /// Tell whether the cluster runs a resource of these agents on this node
    ///
    /// Packages ask before they are removed. Exit code 3: it does.
    InUse,
    /// Order the agent to start the cluster from one node
    ///
    /// For a cluster that is down everywhere and whose election waits or refuses. The order holds for the
    /// position that the node has reported, and for no other.
    Bootstrap(Bootstrap),
}

/// What to look at, and how to show it.
#[derive(Debug, Args)]
pub(super) struct View {
    /// The resource, or its clone; needed when there are several
    #[arg(long, value_name = "NAME")]
    pub resource: Option<String>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// Look at a saved CIB (output of cibadmin --query; - is standard input), not at the cluster
    #[arg(long, value_name = "FILE")]
    pub cib: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    pub view: View,
    /// Look again every so many seconds (2) and say what has changed, on a terminal in place
    ///
    /// With --json: one object per line. Ends with Ctrl-C.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
          value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub watch: Option<u64>,
}

impl Status {
    fn watches_standard_input(&self) -> bool {
        self.watch.is_some() && self.view.cib.as_deref() == Some(Path::new("-"))
    }
}

#[derive(Debug, Args)]
pub(super) struct Report {
    /// The resource, or its clone; needed when there are several
    #[arg(long, value_name = "NAME")]
    pub resource: Option<String>,
    /// Where to write the page; standard output without it
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Read this log of Pacemaker, not this node's; may be given several times, for the logs of other nodes
    #[arg(long, value_name = "FILE")]
    pub log: Vec<PathBuf>,
    /// Look at a saved CIB (output of cibadmin --query; - is standard input), not at the cluster
    #[arg(long, value_name = "FILE")]
    pub cib: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Health {
    /// The resource, or its clone; needed when there are several
    #[arg(long, value_name = "NAME")]
    pub resource: Option<String>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// Answer as a Nagios plugin: one line with performance data, exit code 0 to 3
    #[arg(long, conflicts_with = "json")]
    pub nagios: bool,
    #[command(flatten)]
    pub thresholds: Thresholds,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The port to listen on
    #[arg(long, value_name = "PORT", default_value_t = 9200)]
    pub port: u16,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0")]
    pub address: IpAddr,
    /// The resource, or its clone; needed when there are several
    #[arg(long, value_name = "NAME")]
    pub resource: Option<String>,
    /// Let a donor of a state transfer count as synced
    #[arg(long)]
    pub donor: bool,
}

#[derive(Debug, Args)]
pub(super) struct Bootstrap {
    /// The node to start from: its name in the cluster or in wsrep_cluster_address
    #[arg(long, value_name = "NODE")]
    pub from: String,
    /// Accept the losses that are listed
    #[arg(long)]
    pub force: bool,
    /// The resource, or its clone; needed when there are several
    #[arg(long, value_name = "NAME")]
    pub resource: Option<String>,
    /// Say what would be ordered and lost, and order nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Return as soon as the order is given
    #[arg(long, conflicts_with = "wait")]
    pub no_wait: bool,
    /// How long to wait for the node to be a member
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
    /// With --dry-run: look at a saved CIB, not at the cluster
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub cib: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_is_consistent() {
        Cli::command().debug_assert();
    }
}
