// Package config reads the YAML file that says what Domovoy watches.
//
// The file is read strictly. Load reports all faults at once, each with its
// line, its column and a hint. The struct tags of Config and its sections are
// the field table. The reader, the defaults and the JSON Schema all use it, so
// each key is defined in one place:
//
//	key      the key in the file
//	is       the kind of value, see kinds.go; absent for a section
//	default  the value of a key that is absent or empty
//	enum     the allowed words; `languages` and `roles` are lists of i18n and bot
//	min      the smallest number or duration
//	max      the largest number or duration
//	sample   an example of a key, for a table whose keys the user chooses
//	need     the key is required
//	shape    the form of a secret, see messengers.go
//	title    the description that an editor shows
//
// A secret has two keys: `token`, which takes only ${NAME}, and `token_file`.
package config

import (
	"net/netip"
	"time"

	"domovoy/bot"
)

// DefaultFile is where the config file is unless the command line or the
// environment names another one.
const DefaultFile = "/etc/domovoy/config.yaml"

// Config is the whole file.
type Config struct {
	Basics
	Panels []Panel `key:"panels" need:"true" title:"The ISPmanager panels to watch"`
	Diagnosis
	Messengers
	Senders
	Chats      []Chat     `key:"chats" title:"Chats that get messages and may ask"`
	People     []Person   `key:"people" title:"People with a role of their own"`
	Schedule   Schedule   `key:"schedule" title:"Schedules: cron, in timezone"`
	Thresholds Thresholds `key:"thresholds" title:"Counts that raise an alert"`
	Alerts     Alerts     `key:"alerts" title:"How alerts behave"`
	Reports    Reports    `key:"reports" title:"Managers, each with a weekly report of their own customers"`
	Share      Share      `key:"share" title:"Pages for customers"`
	Heartbeat  Heartbeat  `key:"heartbeat" title:"A service that notices when Domovoy stops"`
	Metrics    Metrics    `key:"metrics" title:"For Prometheus and load balancers"`

	origin origin
}

// origin is what a Config remembers about its file.
type origin struct {
	file            string
	runFaults       Faults // faults that matter to run only, such as a secret that this user cannot read
	systemResolvers bool   // the file names no resolvers
	secretFiles     []string
}

// Heartbeat is asked for after each complete run of Schedule.Panel; it is off
// while URL is not set.
type Heartbeat struct {
	URL Secret `key:"url" is:"secret" shape:"hook" title:"Where to send a GET after each complete run, https://"`
}

// Share is where pages for customers are put: a folder that the team's own web server
// shows under a URL. There are none while both are empty.
type Share struct {
	Directory string `key:"directory" is:"path" title:"Folder for pages that customers are shown; empty: none"`
	URL       string `key:"url" is:"url" title:"Where the web server shows that folder, https://"`
	Days      int    `key:"days" is:"count" min:"1" max:"90" default:"7" title:"How many days a page is there"`
}

// Metrics are served over plain HTTP, to anyone who can connect: /metrics, /healthz
// and /readyz. No port is opened while Listen is empty.
type Metrics struct {
	Listen string `key:"listen" is:"listen" title:"Address of /metrics, /healthz and /readyz, such as 127.0.0.1:9619; empty: none"`
}

// Basics are the keys outside any section.
type Basics struct {
	Language string `key:"language" is:"word" enum:"languages" default:"en" title:"Language of chats without one of their own"`
	// Timezone is the system's zone if the file has none; never nil.
	Timezone *time.Location `key:"timezone" is:"zone" title:"Time zone of schedules and dates; default: the system's"`
	// State is in the service's own folder if the file has none and systemd named
	// that folder (StateDirectory=).
	State string `key:"state" is:"path" default:"/var/lib/domovoy/domovoy.db" title:"Domovoy's own database, in a folder that exists or can be created"`
}

// Panel is an ISPmanager whose database can be read from this host.
type Panel struct {
	Name string `key:"name" is:"name" need:"true" title:"Name of the panel in messages"`
	// Database is auto, a path or mysql://; see package location.
	Database string `key:"database" is:"database" default:"auto" title:"The panel's database, read only: auto (db_conf tells), a path (SQLite) or mysql://USER@HOST/NAME"`
	DBConf   string `key:"db_conf" is:"path" default:"/usr/local/mgr5/etc/ispmgr.conf.d/db.conf" title:"Where the panel says which database it has; for database: auto"`
	// Password is not set for a user of a server who has none.
	Password Secret `key:"password" is:"secret" title:"The password of the user in database: mysql://"`
	// Timezone is Config.Timezone if the panel has none; never nil.
	Timezone     *time.Location `key:"timezone" is:"zone" title:"Time zone of the dates inside that database"`
	Addresses    []netip.Addr   `key:"addresses" is:"address" title:"Where domains should point; default: the panel's own list"`
	Certificates string         `key:"certificates" is:"path" title:"Folder of the certificates; optional"`
	// CompareKeys allows reading the private keys in Certificates. Without it a
	// key that does not match its certificate is found in logs and handshakes
	// only.
	CompareKeys bool `key:"compare_keys" is:"truth" default:"false" title:"Read private keys to compare them with their certificates"`
	// Challenges is the only folder of the panel that Domovoy writes to; empty
	// means that it writes nowhere.
	Challenges string   `key:"challenges" is:"path" title:"The panel's challenge folder, to place a challenge file during a check"`
	AccessLogs []string `key:"access_logs" is:"log" title:"Access logs of the sites; * stands for the domain"`
	Vhosts     []string `key:"vhosts" is:"settings" title:"The web server's configuration, to see whether the certificate files named there exist"`
	ACME       ACME     `key:"acme" title:"The CA that the panel orders from"`
}

// ACME is the CA that a panel orders from, and how to reach it.
type ACME struct {
	Directory string `key:"directory" is:"url" default:"https://acme-v02.api.letsencrypt.org/directory" title:"The CA's directory (RFC 8555, section 7.1.1)"`
	CAFile    string `key:"ca_file" is:"path" title:"An extra root (PEM) for a private CA's API and its certificates"`
	// Proxy is set but empty if it comes from an environment variable that only
	// the service has. The CA must not be contacted then: a connection without
	// the proxy would say nothing about the panel's.
	Proxy Secret `key:"proxy" is:"proxy" title:"The proxy that the panel itself uses, http:// or socks5://"`
	// AccountKeyFile is read only to cancel authorizations, and refused if
	// anyone but its owner may read it.
	AccountKeyFile string   `key:"account_key_file" is:"path" title:"The account's private key, to cancel authorizations; without it they are only shown"`
	Logs           []string `key:"logs" is:"glob" default:"/usr/local/mgr5/var/ispmgr_acme_sh.log" title:"Logs of the ACME client, where authorizations are found; * stands for anything"`
	Cap            int      `key:"cap" is:"count" min:"0" max:"100000" default:"50" title:"More cancellations at once need a second administrator"`
}

// Chat is a chat in which Domovoy speaks and answers.
type Chat struct {
	To bot.Address `key:"to" is:"chat" need:"true" title:"telegram:-1001234567890/7 or slack:C0123456789"`
	// Language is Config.Language if the chat has none.
	Language string   `key:"language" is:"word" enum:"languages" title:"Language of this chat"`
	Receives []string `key:"receives" is:"word" enum:"alerts daily weekly" default:"alerts daily" title:"What is sent without being asked for"`
	Role     string   `key:"role" is:"word" enum:"roles" default:"viewer" title:"Role of everyone in the chat"`
}

// Person is a person by the messenger's permanent id.
type Person struct {
	ID   string `key:"id" is:"person" need:"true" title:"telegram:123456789 or slack:T012345:U0123456"`
	Role string `key:"role" is:"word" enum:"roles" need:"true" title:"Role of this person, in every chat"`
}

// Diagnosis is what the checks of a site from outside need.
type Diagnosis struct {
	// Resolvers are the system's if the file has no such key. An empty list
	// turns all checks from outside off, so that no customer's name leaves this
	// host.
	Resolvers []netip.AddrPort `key:"resolvers" is:"resolver" title:"Name servers to ask, host:port or host; default: the system's; []: no external checks"`
	Probe     Probe            `key:"probe" title:"How sites are checked"`
	Lookups   Lookups          `key:"lookups" title:"External servers and data"`
}

// Probe is how Domovoy connects to sites, in the way that a CA does.
type Probe struct {
	Workers   int    `key:"workers" is:"count" min:"1" max:"10000" default:"200" title:"Sites checked at the same time"`
	HTTPPort  uint16 `key:"http_port" is:"count" min:"1" max:"65535" default:"80" title:"Port of the challenge"`
	HTTPSPort uint16 `key:"https_port" is:"count" min:"1" max:"65535" default:"443" title:"Port of TLS, also after a redirect"`
	// Timeout is for one connection. Boulder, the software of Let's Encrypt,
	// allows 10 s.
	Timeout time.Duration `key:"timeout" is:"duration" min:"100ms" max:"60s" default:"10s" title:"Timeout of one connection"`
	// Attempts is for names that failed just now or in the panel, and for names
	// that somebody asked about; all others get one attempt.
	Attempts int `key:"attempts" is:"count" min:"1" max:"20" default:"6" title:"Connections to names that failed or were asked about; others get one"`
	// PerAddress is in connections per second; 0 means no limit.
	PerAddress int `key:"per_address" is:"count" min:"0" max:"10000" default:"50" title:"Connections a second to one address; 0: no limit"`
}

// Lookups are servers and data files of third parties. Each may be empty: the
// packages that use them have defaults.
type Lookups struct {
	// Whois maps a top-level domain in A-label form (RFC 5890) to a server,
	// host:port. It overrides the built-in list; may be nil.
	Whois map[string]string `key:"whois" is:"server" sample:"ru" title:"WHOIS servers by top-level domain, host:port or host"`
	RDAP  string            `key:"rdap" is:"url" title:"Another RDAP server"`
	// Blocklists are zones in A-label form, without the final dot.
	Blocklists    []string `key:"blocklists" is:"domain" title:"DNS blocklists, such as zen.spamhaus.org"`
	CDNRangesFile string   `key:"cdn_ranges_file" is:"path" title:"List of CDN addresses; replaces the built-in list"`
	// LimitsFile overrides the built-in limits of the CAs that it names.
	LimitsFile string `key:"limits_file" is:"path" title:"The CA's limits, where they differ from the built-in ones"`
}

// Schedule is when each job runs, in Config.Timezone.
type Schedule struct {
	Panel   Cron `key:"panel" is:"cron" default:"*/5 * * * *" title:"Read what changed in the panels"`
	Domains Cron `key:"domains" is:"cron" default:"0 */6 * * *" title:"Check every site externally"`
	Daily   Cron `key:"daily" is:"cron" default:"0 9 * * *" title:"The daily digest"`
	Weekly  Cron `key:"weekly" is:"cron" default:"0 9 * * 1" title:"The report about the week before"`
}

// Thresholds are the counts from which a panel's metric causes an alert. A Warn
// of 0 means that there is no warning level. A Warn above its Critical is a
// fault if the file sets it, and becomes 0 if it is the default.
type Thresholds struct {
	Processing Processing `key:"processing" title:"Certificates being issued at once"`
	Failed     Failed     `key:"failed" title:"Certificates that the panel has given up"`
	Failing    Failing    `key:"failing" title:"Certificates that fail repeatedly"`
	Overdue    Overdue    `key:"overdue" title:"Certificates not renewed in time"`
	// Zombie is for ca.zombie: a site that has had no certificate for so long and
	// still fails.
	Zombie time.Duration `key:"zombie" is:"duration" min:"1d" default:"180d" title:"Failing for this long without a success: better to stop trying"`
}

// Processing is panel.processing.
type Processing struct {
	Warn     int `key:"warn" is:"count" min:"0" default:"60" title:"Warning threshold; 0: none"`
	Critical int `key:"critical" is:"count" min:"1" default:"100" title:"Critical threshold"`
}

// Failed is panel.failed.
type Failed struct {
	Warn     int `key:"warn" is:"count" min:"0" title:"Warning threshold; default: none"`
	Critical int `key:"critical" is:"count" min:"1" default:"50" title:"Critical threshold"`
}

// Failing is panel.failing: certificates with at least Times failures Within.
type Failing struct {
	Warn     int           `key:"warn" is:"count" min:"0" title:"Warning threshold; default: none"`
	Critical int           `key:"critical" is:"count" min:"1" default:"21" title:"Critical threshold"`
	Within   time.Duration `key:"within" is:"duration" min:"1m" default:"4h" title:"Time within which failures are counted"`
	Times    int           `key:"times" is:"count" min:"1" default:"2" title:"Failures that make a certificate count as failing"`
}

// Overdue is panel.overdue. One late certificate is worth a warning, since it
// expires within days. Twenty at once mean that renewal itself is broken, not a
// few sites; that is about the default of Failing.
type Overdue struct {
	Warn     int `key:"warn" is:"count" min:"0" default:"1" title:"Warning threshold; 0: none"`
	Critical int `key:"critical" is:"count" min:"1" default:"20" title:"Critical threshold"`
	// LifeLeft is a share of the certificate's lifetime: 7/90 is seven days of
	// ninety, and about five days of sixty-four.
	LifeLeft float64 `key:"life_left" is:"share" default:"7/90" title:"Overdue when less than this share of its lifetime is left"`
	// Learn replaces LifeLeft with the share at which this panel usually renews,
	// once 50 renewals have been seen.
	Learn bool `key:"learn" is:"truth" default:"true" title:"After 50 renewals: use what is usually left on this panel"`
}

// Hours are hours of the day, in minutes after midnight in Config.Timezone: To is
// before From where they go over midnight. The zero value has none.
type Hours struct{ From, To int }

// Alerts is how an open alert behaves.
type Alerts struct {
	Remind time.Duration `key:"remind" is:"duration" min:"1m" default:"4h" title:"Repeat a critical alert after this time"`
	// ResolveAfter is a number of runs of Schedule.Panel.
	ResolveAfter int `key:"resolve_after" is:"count" min:"1" default:"2" title:"An alert ends after this many good runs of schedule.panel"`
	// Quiet hours hold back warnings and reminders; what is critical speaks, and
	// is escalated, at any hour.
	Quiet Hours `key:"quiet" is:"hours" title:"Quiet hours, such as 22:00-08:00: only critical alerts speak; empty: none"`
	// Storm is a share of a panel's sites; fewer than twenty sites are never one.
	Storm float64 `key:"storm" is:"share" default:"10%" title:"More than this share of the sites at once is one alert"`
}
