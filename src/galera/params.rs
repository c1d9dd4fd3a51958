//! The parameters of `galera-rs`: those of `ocf:heartbeat:galera`, none of them required, and few more.

use std::path::PathBuf;
use std::time::Duration;

use crate::ocf::Secret;
use crate::params;

params! {
    /// Parameters of `galera-rs`.
    pub struct GaleraParams {
        /// Server program
        ///
        /// The MariaDB server. When it names a wrapper (mysqld_safe, mariadbd-safe), the server beside it is run
        /// directly: a wrapper restarts the server behind the cluster's back. Default: mariadbd or mysqld, from
        /// the usual places.
        binary: Option<PathBuf>,
        /// Client program
        ///
        /// Accepted for configurations of ocf:heartbeat:galera and not used: the agent speaks to the server itself.
        client_binary: Option<String>,
        /// Configuration file
        ///
        /// Read by the server instead of its standard option files. Default: the standard option files.
        config: Option<PathBuf>,
        /// Data directory
        ///
        /// Default: as the server's option files say, else /var/lib/mysql.
        datadir: Option<PathBuf>,
        /// User
        ///
        /// The user that the server runs as. Default: as the server's option files say, else mysql.
        user: Option<String>,
        /// Group
        ///
        /// The group of the files that the agent makes. Default: the group mysql.
        group: Option<String>,
        /// Error log
        ///
        /// Default: as the server's option files say, else /var/log/mysqld.log.
        log: Option<PathBuf>,
        /// PID file
        ///
        /// Written by the server. The agent does not rely on it. Default: as the server's option files say.
        pid: Option<PathBuf>,
        /// Socket
        ///
        /// The unix socket of the server. Default: as the server's option files say.
        socket: Option<PathBuf>,
        /// Create a cluster where there is none
        ///
        /// If every node's data directory is without a history, let one of them become the first of a new
        /// cluster, and install the system tables where they are missing. A directory that holds databases is
        /// preferred; if several do, the election refuses.
        #[reloadable = true]
        enable_creation: bool = "false",
        /// Additional parameters
        ///
        /// Appended to the server's command line, separated by blanks.
        additional_parameters: Option<String>,
        /// Galera cluster address
        ///
        /// All members, as gcomm://node1,node2,node3. They are the electorate: a cluster that is down everywhere
        /// starts from the latest position among them. Members are added and removed without a restart. Default: as
        /// the server's option files say.
        #[reloadable = true]
        wsrep_cluster_address: Option<String>,
        /// Options of Galera's provider
        ///
        /// Added to wsrep_provider_options of the server's option files, which win where they set the same option.
        /// The default makes servers find together in fractions of a second instead of seconds: a start of the
        /// whole cluster takes half the time, and writes hang shorter while a node joins. It is meant for one data
        /// centre; raise the periods above the round trip between the nodes. Empty: nothing is added. Not used
        /// when additional_parameters name provider options.
        provider_options: String = "evs.join_retrans_period=PT0.1S;evs.inactive_check_period=PT0.1S;evs.keepalive_period=PT0.1S",
        /// Cluster names and Galera names
        ///
        /// pcmk1:galera1;pcmk2:galera2 for nodes whose name in the cluster is not their name in the Galera
        /// cluster address. Needed only where the agent cannot find that out from the node's addresses.
        #[reloadable = true]
        cluster_host_map: Option<String>,
        /// User for health checks
        ///
        /// Default: MYSQL_USERNAME in /etc/sysconfig/clustercheck or /etc/default/clustercheck, else root through
        /// the socket.
        check_user: Option<String>,
        /// Password for health checks
        ///
        /// Better put into the clustercheck file (mode 0600) as MYSQL_PASSWORD.
        check_passwd: Option<Secret>,
        /// Use an empty password
        ///
        /// Use an empty password for health checks, whatever the clustercheck file says.
        check_passwd_use_empty: bool = "false",
        /// Two node mode
        ///
        /// In a cluster of two, let the survivor go on when the partner is fenced or cleanly down and the
        /// survivor's partition has quorum. This may lose writes that only the partner had on disk.
        two_node_mode: bool = "false",
        /// Evict the dead
        ///
        /// Tell the group at once when a server is proven dead, instead of letting every write of the cluster wait
        /// for it: Galera itself lets go of a silent member after five seconds and more.
        #[reloadable = true]
        evict: bool = "true",
        /// Only the promoted node is writable
        ///
        /// Keep ordinary accounts from writing (read_only=ON) on every node that is not promoted, from the first moment
        /// that its server takes clients. Accounts with the privilege READ ONLY ADMIN, as root, write everywhere.
        #[reloadable = true]
        unpromoted_read_only: bool = "false",
        /// Time for open transactions
        ///
        /// Seconds that transactions which have written are given to end when the node is demoted and
        /// unpromoted_read_only is set. Then their connections are killed. Never longer than the demote action may take.
        #[reloadable = true]
        drain_timeout: Duration = "1",
        /// Time for the saved view
        ///
        /// Seconds that the members of the last primary component are given to restore it by themselves before
        /// an election takes place.
        #[reloadable = true]
        restore_timeout: Duration = "20",
        /// Time to reach the primary component
        ///
        /// Seconds that a joining server is given to connect to the primary component. State transfer is not
        /// limited.
        #[reloadable = true]
        join_timeout: Duration = "35",
        /// Least free disk space
        ///
        /// MiB. A monitor of check level 10 or more calls the node degraded while the file system of the data
        /// directory has less free space than this. 0: not looked at.
        #[reloadable = true]
        disk_free_min: u64 = "500",
        /// Most flow control
        ///
        /// Percent. A monitor of check level 10 or more calls the node degraded when flow control held writes up
        /// for more than this part of the time since the monitor before. 0: not looked at.
        #[reloadable = true]
        flow_control_max: u64 = "25",
        /// Longest receive queue
        ///
        /// Write sets. A monitor of check level 10 or more calls the node degraded while more than this many write
        /// sets are received and not yet applied. 0: not looked at.
        #[reloadable = true]
        recv_queue_max: u64 = "1000",
    }
}
