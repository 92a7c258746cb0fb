package config

import (
	"net/netip"
	"time"
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
