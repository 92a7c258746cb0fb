// Package config reads the one YAML file that says what Domovoy watches.
//
// The file is read strictly, and every fault is told at once with its line,
// its column and a hint of what to try. The field table is the struct tags of
// Config and its sections: the reader, the defaults and the JSON Schema all
// come from it, so that a key exists in one place.
//
//	key      the key in the file
//	is       what may stand there, see kinds.go
//	default  used when the key is absent or empty
//	enum     the allowed words; `languages` stands for those of the catalogs
//	min      the least number or duration
//	max      the greatest
//	sample   a key that could stand in a table, whose keys are not ours to name
//	need     the key must be there
//	title    what an editor shows, by the schema
//
// A secret is two keys, `token` (by ${NAME} only) and `token_file`.
package config

import (
	"net/netip"
	"time"

	"domovoy/bot"
)

// Config is the whole file.
type Config struct {
	Basics
	Panels []Panel `key:"panels" need:"true" title:"The ISPmanager panels to watch"`
	Diagnosis
	Messengers
	Chats      []Chat     `key:"chats" title:"Where to speak"`
	People     []Person   `key:"people" title:"Who may do more than their chat may"`
	Schedule   Schedule   `key:"schedule" title:"When to work: cron, in timezone"`
	Thresholds Thresholds `key:"thresholds" title:"From when a number is worth an alert"`
	Alerts     Alerts     `key:"alerts" title:"How alerts behave"`
	Reports    Reports    `key:"reports" title:"Who gets which part of the weekly report"`

	origin origin
}

// origin is what a Config remembers of its file.
type origin struct {
	file   string
	later  Faults // what stops run alone, such as a secret not readable by this user
	system bool   // the resolvers are the system's
}

// Basics are the keys that stand alone at the top of the file.
type Basics struct {
	Language string `key:"language" is:"word" enum:"languages" default:"en" title:"Language of chats that name no other"`
	// Timezone is the system's where the file names none.
	Timezone *time.Location `key:"timezone" is:"zone" title:"Zone of schedules and dates; the system's if absent"`
	State    string         `key:"state" is:"path" need:"true" title:"Domovoy's own database, in a folder that exists or can be made"`
}

// Panel is one ISPmanager whose database this host can read.
type Panel struct {
	Name     string `key:"name" is:"name" need:"true" title:"What messages call the panel"`
	Database string `key:"database" is:"path" need:"true" title:"The panel's SQLite database; only ever read"`
	// Timezone is Config.Timezone where the panel names none.
	Timezone     *time.Location `key:"timezone" is:"zone" title:"Zone of the dates inside that database"`
	Addresses    []netip.Addr   `key:"addresses" is:"address" title:"Where domains should point; the panel's own list if absent"`
	Certificates string         `key:"certificates" is:"path" title:"Folder of the certificates; may be absent"`
	// CompareKeys lets private keys in Certificates be read; without it a key
	// that does not fit shows in logs and handshakes only.
	CompareKeys bool `key:"compare_keys" is:"truth" default:"false" title:"Read private keys to compare them with their certificates"`
	// Challenges is the only folder of the panel ever written to; no file is
	// placed where it is empty.
	Challenges string   `key:"challenges" is:"path" title:"The panel's challenge folder, to place a real token while checking"`
	AccessLogs []string `key:"access_logs" is:"log" title:"Access logs of the sites; * stands for the domain"`
	Vhosts     []string `key:"vhosts" is:"settings" title:"The web server's settings, to see whether the certificate files they name are there"`
	ACME       ACME     `key:"acme" title:"The CA that the panel orders from"`
}

// ACME is the CA that a panel orders from, and the way to it.
type ACME struct {
	Directory string `key:"directory" is:"url" default:"https://acme-v02.api.letsencrypt.org/directory" title:"The CA's directory (RFC 8555, section 7.1.1)"`
	CAFile    string `key:"ca_file" is:"path" title:"One more root in PEM: of a private CA's API and of the certificates it signs"`
	// Proxy is given but empty where this user cannot know it (${NAME} of the
	// service's environment): then nothing is known about the way either.
	Proxy Secret `key:"proxy" is:"proxy" title:"The way the panel itself goes out, http:// or socks5://"`
	// AccountKeyFile is only looked at when something is to be cancelled, and
	// never where others than its owner may read it.
	AccountKeyFile string   `key:"account_key_file" is:"path" title:"The account's private key, to cancel authorizations; without it they are only shown"`
	Logs           []string `key:"logs" is:"glob" default:"/usr/local/mgr5/var/ispmgr_acme_sh.log" title:"Logs of the ACME client, where authorizations are found; * stands for anything"`
	Cap            int      `key:"cap" is:"count" min:"0" max:"100000" default:"50" title:"More cancellations at once need a second administrator"`
}

// Chat is where Domovoy speaks; it answers there whoever may ask.
type Chat struct {
	To bot.Address `key:"to" is:"chat" need:"true" title:"telegram:-1001234567890/7 or slack:C0123456789"`
	// Language is Config.Language where the chat names none.
	Language string   `key:"language" is:"word" enum:"languages" title:"Language of this chat"`
	Receives []string `key:"receives" is:"word" enum:"alerts daily weekly" default:"alerts daily" title:"What comes unasked"`
	Role     Role     `key:"role" is:"word" enum:"viewer operator admin" default:"viewer" title:"What everyone in the chat may do"`
}

// Person is someone known by an id that never changes hands.
type Person struct {
	ID   string `key:"id" is:"person" need:"true" title:"telegram:123456789 or slack:T012345:U0123456"`
	Role Role   `key:"role" is:"word" enum:"viewer operator admin" need:"true" title:"What this person may do in every chat"`
}

// Role is what someone may do; each includes the one before it.
type Role string

// The roles: ask; take, quiet and report; cancel and read the audit.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Admin    Role = "admin"
)

// Diagnosis is what looking at a site itself needs, beyond the panel.
type Diagnosis struct {
	// Resolvers are the system's where the file names none. Empty, nothing is
	// looked at from outside: names of customers go nowhere.
	Resolvers []netip.AddrPort `key:"resolvers" is:"resolver" title:"Name servers to ask, host:port or host; the system's if absent; [] looks at nothing from outside"`
	Probe     Probe            `key:"probe" title:"How sites are connected to"`
	Lookups   Lookups          `key:"lookups" title:"Servers and data that tell of names and addresses"`
}

// Probe is how sites are connected to, as the CA would.
type Probe struct {
	Workers   int    `key:"workers" is:"count" min:"1" max:"10000" default:"200" title:"Sites looked at together"`
	HTTPPort  uint16 `key:"http_port" is:"count" min:"1" max:"65535" default:"80" title:"Port of the challenge"`
	HTTPSPort uint16 `key:"https_port" is:"count" min:"1" max:"65535" default:"443" title:"Port of TLS, also after a redirect"`
	// Timeout is of one connection, as of the CA's (Boulder: 10 s).
	Timeout time.Duration `key:"timeout" is:"duration" min:"100ms" max:"60s" default:"10s" title:"How long one connection may take"`
	// Attempts are for names that failed, fail in the panel, or were asked
	// for; others get one.
	Attempts int `key:"attempts" is:"count" min:"1" max:"20" default:"6" title:"Connections to what failed or was asked for; else one"`
	// PerAddress is in connections a second; 0 is no limit.
	PerAddress int `key:"per_address" is:"count" min:"0" max:"10000" default:"50" title:"Connections a second to one address; 0: no limit"`
}

// Lookups are servers and data of others. Each may be absent: what asks them
// has good defaults of its own.
type Lookups struct {
	// Whois has the server (host:port) of a top-level domain in its A-label
	// form, for those that the built-in list lacks or has wrong; may be nil.
	Whois map[string]string `key:"whois" is:"server" sample:"ru" title:"WHOIS servers by top-level domain, host:port or host"`
	RDAP  string            `key:"rdap" is:"url" title:"Another RDAP server"`
	// Blocklists are zones in A-label form, without the root's dot.
	Blocklists    []string `key:"blocklists" is:"domain" title:"Zones of DNS blocklists, such as zen.spamhaus.org"`
	CDNRangesFile string   `key:"cdn_ranges_file" is:"path" title:"Addresses of CDNs instead of the built-in ones"`
	// LimitsFile stands before the built-in data, CA by CA.
	LimitsFile string `key:"limits_file" is:"path" title:"The CA's limits, where they differ from the built-in ones"`
}

// Schedule is when each job is due, read in Config.Timezone.
type Schedule struct {
	Panel   Cron `key:"panel" is:"cron" default:"*/5 * * * *" title:"Read what is new in the panels"`
	Domains Cron `key:"domains" is:"cron" default:"0 */6 * * *" title:"Look at every domain itself"`
	Daily   Cron `key:"daily" is:"cron" default:"0 9 * * *" title:"The daily digest"`
	Weekly  Cron `key:"weekly" is:"cron" default:"0 9 * * 1" title:"The report of the week before"`
}

// Thresholds say from which count on a panel's metric is worth an alert. A
// Warn of 0 means no warning level. A default Warn above a Critical that the
// file sets is dropped; one that the file sets is a fault.
type Thresholds struct {
	Processing Processing `key:"processing" title:"Certificates being issued at once"`
	Failed     Failed     `key:"failed" title:"Certificates given up"`
	Failing    Failing    `key:"failing" title:"Certificates that fail again and again"`
	Overdue    Overdue    `key:"overdue" title:"Certificates not renewed in time"`
	// Zombie is ca.zombie: no certificate for so long, and failing still.
	Zombie time.Duration `key:"zombie" is:"duration" min:"1d" default:"180d" title:"Sites that fail without a success for so long should not be tried any more"`
}

// Processing is panel.processing.
type Processing struct {
	Warn     int `key:"warn" is:"count" min:"0" default:"60" title:"Warning from this many; 0: never"`
	Critical int `key:"critical" is:"count" min:"1" default:"100" title:"Critical from this many"`
}

// Failed is panel.failed.
type Failed struct {
	Warn     int `key:"warn" is:"count" min:"0" title:"Warning from this many; never if absent"`
	Critical int `key:"critical" is:"count" min:"1" default:"50" title:"Critical from this many"`
}

// Failing is panel.failing: certificates with at least Times failures Within.
type Failing struct {
	Warn     int           `key:"warn" is:"count" min:"0" title:"Warning from this many; never if absent"`
	Critical int           `key:"critical" is:"count" min:"1" default:"21" title:"Critical from this many"`
	Within   time.Duration `key:"within" is:"duration" min:"1m" default:"4h" title:"How far back failures count"`
	Times    int           `key:"times" is:"count" min:"1" default:"2" title:"Failures that make a certificate count"`
}

// Overdue is panel.overdue. One late certificate is worth a look, for it has
// days left to live. No report gives a critical count; twenty at once are no
// longer single customers' trouble but renewal itself, the same size as the
// default of Failing.
type Overdue struct {
	Warn     int `key:"warn" is:"count" min:"0" default:"1" title:"Warning from this many; 0: never"`
	Critical int `key:"critical" is:"count" min:"1" default:"20" title:"Critical from this many"`
	// LifeLeft is a share of the certificate's whole life: 7/90 is a week
	// of ninety days, and five days of sixty-four.
	LifeLeft float64 `key:"life_left" is:"share" default:"7/90" title:"Overdue when less than this share of its life is left"`
	// Learn replaces LifeLeft by what the panel usually leaves, once 50
	// renewals were seen.
	Learn bool `key:"learn" is:"truth" default:"true" title:"Learn from 50 renewals on what this panel usually leaves"`
}

// Alerts is how an alert behaves after it opened.
type Alerts struct {
	Remind time.Duration `key:"remind" is:"duration" min:"1m" default:"4h" title:"Remind of an open critical alert that nobody took"`
	// ResolveAfter is in runs of the panel job.
	ResolveAfter int `key:"resolve_after" is:"count" min:"1" default:"2" title:"Good runs in a row that end an alert"`
}
