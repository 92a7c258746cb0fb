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
//
// What a key is stands in the catalogs, under "config.key.": Title.
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
	Panels []Panel `key:"panels"`
	Diagnosis
	Messengers
	Senders
	Chats      []Chat     `key:"chats"`
	People     []Person   `key:"people"`
	Schedule   Schedule   `key:"schedule"`
	Thresholds Thresholds `key:"thresholds"`
	Alerts     Alerts     `key:"alerts"`
	Reports    Reports    `key:"reports"`
	Share      Share      `key:"share"`
	Heartbeat  Heartbeat  `key:"heartbeat"`
	Fleet      Fleet      `key:"fleet"`
	Vantage    Vantage    `key:"vantage"`
	Metrics    Metrics    `key:"metrics"`

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
	URL Secret `key:"url" is:"secret" shape:"hook"`
}

// Share is where pages for customers are put: a folder that the team's own web server
// shows under a URL. There are none while both are empty.
type Share struct {
	Directory string `key:"directory" is:"path"`
	URL       string `key:"url" is:"url"`
	Days      int    `key:"days" is:"count" min:"1" max:"90" default:"7"`
}

// Metrics are served over plain HTTP, to anyone who can connect: /metrics, /healthz
// and /readyz. No port is opened while Listen is empty.
type Metrics struct {
	Listen string `key:"listen" is:"listen"`
}

// Basics are the keys outside any section.
type Basics struct {
	Language string `key:"language" is:"word" enum:"languages" default:"en"`
	// Timezone is the system's zone if the file has none; never nil.
	Timezone *time.Location `key:"timezone" is:"zone"`
	// State is in the service's own folder if the file has none and systemd named
	// that folder (StateDirectory=).
	State string `key:"state" is:"path" default:"/var/lib/domovoy/domovoy.db"`
}

// Panel is an ISPmanager whose database can be read from this host.
type Panel struct {
	Name string `key:"name" is:"name" need:"true"`
	// Database is auto, a path or mysql://; see package location.
	Database string `key:"database" is:"database" default:"auto"`
	DBConf   string `key:"db_conf" is:"path" default:"/usr/local/mgr5/etc/ispmgr.conf.d/db.conf"`
	// Password is not set for a user of a server who has none.
	Password Secret `key:"password" is:"secret"`
	// Timezone is Config.Timezone if the panel has none; never nil.
	Timezone     *time.Location `key:"timezone" is:"zone"`
	Addresses    []netip.Addr   `key:"addresses" is:"address"`
	Certificates string         `key:"certificates" is:"path"`
	// CompareKeys allows reading the private keys in Certificates. Without it a
	// key that does not match its certificate is found in logs and handshakes
	// only.
	CompareKeys bool `key:"compare_keys" is:"truth" default:"false"`
	// Challenges is the only folder of the panel that Domovoy writes to; empty
	// means that it writes nowhere.
	Challenges string   `key:"challenges" is:"path"`
	AccessLogs []string `key:"access_logs" is:"log"`
	Vhosts     []string `key:"vhosts" is:"settings"`
	ACME       ACME     `key:"acme"`
}

// ACME is the CA that a panel orders from, and how to reach it.
type ACME struct {
	Directory string `key:"directory" is:"url" default:"https://acme-v02.api.letsencrypt.org/directory"`
	CAFile    string `key:"ca_file" is:"path"`
	// Proxy is set but empty if it comes from an environment variable that only
	// the service has. The CA must not be contacted then: a connection without
	// the proxy would say nothing about the panel's.
	Proxy Secret `key:"proxy" is:"proxy"`
	// AccountKeyFile is read only to cancel authorizations, and refused if
	// anyone but its owner may read it.
	AccountKeyFile string   `key:"account_key_file" is:"path"`
	Logs           []string `key:"logs" is:"glob" default:"/usr/local/mgr5/var/ispmgr_acme_sh.log"`
	Cap            int      `key:"cap" is:"count" min:"0" max:"100000" default:"50"`
}

// Chat is a chat in which Domovoy speaks and answers.
type Chat struct {
	To bot.Address `key:"to" is:"chat" need:"true"`
	// Language is Config.Language if the chat has none.
	Language string   `key:"language" is:"word" enum:"languages"`
	Receives []string `key:"receives" is:"word" enum:"alerts daily weekly" default:"alerts daily"`
	Role     string   `key:"role" is:"word" enum:"roles" default:"viewer"`
}

// Person is a person by the messenger's permanent id.
type Person struct {
	ID   string `key:"id" is:"person" need:"true"`
	Role string `key:"role" is:"word" enum:"roles" need:"true"`
}

// Diagnosis is what the checks of a site from outside need.
type Diagnosis struct {
	// Resolvers are the system's if the file has no such key. An empty list
	// turns all checks from outside off, so that no customer's name leaves this
	// host.
	Resolvers []netip.AddrPort `key:"resolvers" is:"resolver"`
	Probe     Probe            `key:"probe"`
	Lookups   Lookups          `key:"lookups"`
}

// Probe is how Domovoy connects to sites, in the way that a CA does.
type Probe struct {
	Workers   int    `key:"workers" is:"count" min:"1" max:"10000" default:"200"`
	HTTPPort  uint16 `key:"http_port" is:"count" min:"1" max:"65535" default:"80"`
	HTTPSPort uint16 `key:"https_port" is:"count" min:"1" max:"65535" default:"443"`
	// Timeout is for one connection. Boulder, the software of Let's Encrypt,
	// allows 10 s.
	Timeout time.Duration `key:"timeout" is:"duration" min:"100ms" max:"60s" default:"10s"`
	// Attempts is for names that failed just now or in the panel, and for names
	// that somebody asked about; all others get one attempt.
	Attempts int `key:"attempts" is:"count" min:"1" max:"20" default:"6"`
	// PerAddress is in connections per second; 0 means no limit.
	PerAddress int `key:"per_address" is:"count" min:"0" max:"10000" default:"50"`
}

// Lookups are servers and data files of third parties. Each may be empty: the
// packages that use them have defaults.
type Lookups struct {
	// Whois maps a top-level domain in A-label form (RFC 5890) to a server,
	// host:port. It overrides the built-in list; may be nil.
	Whois map[string]string `key:"whois" is:"server" sample:"ru"`
	RDAP  string            `key:"rdap" is:"url"`
	// Blocklists are zones in A-label form, without the final dot.
	Blocklists    []string `key:"blocklists" is:"domain"`
	CDNRangesFile string   `key:"cdn_ranges_file" is:"path"`
	// LimitsFile overrides the built-in limits of the CAs that it names.
	LimitsFile string `key:"limits_file" is:"path"`
}

// Schedule is when each job runs, in Config.Timezone.
type Schedule struct {
	Panel   Cron `key:"panel" is:"cron" default:"*/5 * * * *"`
	Domains Cron `key:"domains" is:"cron" default:"0 */6 * * *"`
	Daily   Cron `key:"daily" is:"cron" default:"0 9 * * *"`
	Weekly  Cron `key:"weekly" is:"cron" default:"0 9 * * 1"`
}

// Thresholds are the counts from which a panel's metric causes an alert. A Warn
// of 0 means that there is no warning level. A Warn above its Critical is a
// fault if the file sets it, and becomes 0 if it is the default.
type Thresholds struct {
	Processing Processing `key:"processing"`
	Failed     Failed     `key:"failed"`
	Failing    Failing    `key:"failing"`
	Overdue    Overdue    `key:"overdue"`
	// Zombie is for ca.zombie: a site that has had no certificate for so long and
	// still fails.
	Zombie time.Duration `key:"zombie" is:"duration" min:"1d" default:"180d"`
}

// Processing is panel.processing.
type Processing struct {
	Warn     int `key:"warn" is:"count" min:"0" default:"60"`
	Critical int `key:"critical" is:"count" min:"1" default:"100"`
}

// Failed is panel.failed.
type Failed struct {
	Warn     int `key:"warn" is:"count" min:"0"`
	Critical int `key:"critical" is:"count" min:"1" default:"50"`
}

// Failing is panel.failing: certificates with at least Times failures Within.
type Failing struct {
	Warn     int           `key:"warn" is:"count" min:"0"`
	Critical int           `key:"critical" is:"count" min:"1" default:"21"`
	Within   time.Duration `key:"within" is:"duration" min:"1m" default:"4h"`
	Times    int           `key:"times" is:"count" min:"1" default:"2"`
}

// Overdue is panel.overdue. One late certificate is worth a warning, since it
// expires within days. Twenty at once mean that renewal itself is broken, not a
// few sites; that is about the default of Failing.
type Overdue struct {
	Warn     int `key:"warn" is:"count" min:"0" default:"1"`
	Critical int `key:"critical" is:"count" min:"1" default:"20"`
	// LifeLeft is a share of the certificate's lifetime: 7/90 is seven days of
	// ninety, and about five days of sixty-four.
	LifeLeft float64 `key:"life_left" is:"share" default:"7/90"`
	// Learn replaces LifeLeft with the share at which this panel usually renews,
	// once 50 renewals have been seen.
	Learn bool `key:"learn" is:"truth" default:"true"`
}

// Hours are hours of the day, in minutes after midnight in Config.Timezone: To is
// before From where they go over midnight. The zero value has none.
type Hours struct{ From, To int }

// Alerts is how an open alert behaves.
type Alerts struct {
	Remind time.Duration `key:"remind" is:"duration" min:"1m" default:"4h"`
	// ResolveAfter is a number of runs of Schedule.Panel.
	ResolveAfter int `key:"resolve_after" is:"count" min:"1" default:"2"`
	// Quiet hours hold back warnings and reminders; what is critical speaks, and
	// is escalated, at any hour.
	Quiet Hours `key:"quiet" is:"hours"`
	// Storm is a share of a panel's sites; fewer than twenty sites are never one.
	Storm float64 `key:"storm" is:"share" default:"10%"`
}
