package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// no is a value that is refused.
const no = "no"

func TestResolver(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1": "127.0.0.1:53", "127.0.0.1:5353": "127.0.0.1:5353", "::1": "[::1]:53", "[::1]": "[::1]:53",
		"[::1]:5353": "[::1]:5353", "::ffff:192.0.2.1": "192.0.2.1:53", "fe80::1%eth0": "[fe80::1%eth0]:53",
		"[2001:db8::53]:53": "[2001:db8::53]:53", "2001:db8::5": "[2001:db8::5]:53",
		"::1:53": no, "[::1": no, "::1]": no, "[127.0.0.1]": no, "127.0.0.1:0": no, "127.0.0.1:65536": no, "127.0.0.1:": no,
		"0.0.0.0": no, "[::]:53": no, "224.0.0.251:5353": no, "dns.example": no, "dns.example:53": no, "https://192.0.2.1": no,
		" 127.0.0.1": no, "": no, "192.0.2.0/24": no,
	} {
		if got := read(readResolver, text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestWhoisServer(t *testing.T) {
	for text, want := range map[string]string{
		"whois.tcinet.ru:43": "whois.tcinet.ru:43", "Whois.TCInet.ru.": "whois.tcinet.ru:43", "127.0.0.1:4343": "127.0.0.1:4343",
		"[::1]:4343": "[::1]:4343", "::1": "[::1]:43", "localhost:4343": "localhost:4343", "кто.рф": "xn--j1ail.xn--p1ai:43",
		"whois.tcinet.ru:": no, ":43": no, "whois.tcinet.ru:0": no, "whois.tcinet.ru:whois": no, "whois.tcinet.ru:70000": no,
		"whois://whois.tcinet.ru": no, "256.0.0.1:43": no, "0.0.0.0:43": no, "two hosts": no, "*.example.com:43": no, "": no,
	} {
		if got := read(readServer, text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestZone(t *testing.T) {
	for text, want := range map[string]string{
		"zen.spamhaus.org": "zen.spamhaus.org", "ZEN.spamhaus.org.": "zen.spamhaus.org", "список.рф": "xn--h1aelcjc.xn--p1ai",
		"spamhaus": no, "127.0.0.1": no, "zen.spamhaus.org:53": no, "https://zen.spamhaus.org": no, "zen..org": no, "::1": no,
		"*.spamhaus.org": no, ".": no, "zen.spamhaus.org/": no,
	} {
		if got := read(readDomain, text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestTLD(t *testing.T) {
	for text, want := range map[string]string{
		"ru": "ru", "RU": "ru", "рф": "xn--p1ai", "xn--p1ai": "xn--p1ai", ".ru": no, "com.ru": no, "43": no, "": no, "a_b": no, "*": no,
	} {
		got, p := readTLD(text)
		if p != nil {
			got = no
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]string{
		"/etc/nginx/vhosts/*/*.conf": "/etc/nginx/vhosts/*/*.conf", "/etc//nginx/[a-z]?.conf": "/etc/nginx/[a-z]?.conf", "/etc/nginx.conf": "/etc/nginx.conf",
		"vhosts/*.conf": no, "/etc/[a": no, "/etc/../x": no, "/etc/": no, "": no, "/etc/\n*": no,
	} {
		if got := read(readSettings, text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestAccessLog(t *testing.T) {
	for text, want := range map[string]string{
		"/var/www/httpd-logs/*.access.log": "/var/www/httpd-logs/*.access.log", "/srv//logs/./*/access.log": "/srv/logs/*/access.log",
		"/var/log/nginx/access.log": "/var/log/nginx/access.log", "/srv/a..b/*": "/srv/a..b/*",
		"*.access.log": no, "/var/*/*.log": no, "/var/**": no, "/var/www/../*.log": no, "/var/*/..": no, "/var/www/": no, "/": no,
		"~/logs/*.log": no, "": no, "/var/\n*.log": no,
	} {
		if got := read(readLog, text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func read(reader func(field, scalar) (any, *problem), text string) string {
	value, p := reader(field{}, scalar{raw: text, text: text})
	if p != nil {
		return no
	}
	return fmt.Sprint(value)
}

// TestListen: an address of this host with a port, or a port on all of them.
func TestListen(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:9619": "127.0.0.1:9619", "[::1]:9619": "[::1]:9619", ":9619": ":9619", "0.0.0.0:1": "0.0.0.0:1",
		"localhost:9619": no, "9619": no, "127.0.0.1": no, "127.0.0.1:0": no, "127.0.0.1:65536": no, "::1:9619": no, "224.0.0.1:9619": no, "http://127.0.0.1:9619": no,
	} {
		if got := read(readListen, text); got != want {
			t.Errorf("%q is read as %s, want %s", text, got, want)
		}
	}
}

// TestDiagnosisKeys reads every key about probing sites.
func TestDiagnosisKeys(t *testing.T) {
	cfg, faults := load("config.yaml", []byte(strings.Replace(minimal, "isp1,", `isp1, compare_keys: true, challenges: /srv/le/, vhosts: ["/etc/nginx/vhosts/*/*.conf"],
    access_logs: ["/srv/logs/*.log"], acme: {directory: "https://127.0.0.1:14000/dir", ca_file: /srv/pebble.pem, proxy: "http://127.0.0.1:3128"},`, 1)+`
resolvers: [127.0.0.1:5353, "::1"]
probe: {workers: 1, http_port: 5002, https_port: 65535, timeout: 100ms, attempts: 20, per_address: 0}
lookups:
  whois: {ru: "127.0.0.1:4343", РФ: whois.tcinet.ru, su: "", no: whois.norid.no}
  rdap: http://127.0.0.1:8080/rdap/
  blocklists: ["${TELEGRAM_TOKEN}.bl.example", zen.spamhaus.org]
  cdn_ranges_file: /srv/cdn.txt
schedule: {domains: "@hourly"}
`), environment(map[string]string{"STATE": t.TempDir() + "/domovoy.db", "TELEGRAM_TOKEN": "key"}))
	if faults != nil {
		t.Fatal(strings.Join(faults.Render(locale(t, "en")), "\n"))
	}
	want := Probe{Workers: 1, HTTPPort: 5002, HTTPSPort: 65535, Timeout: 100 * time.Millisecond, Attempts: 20}
	if diff := cmp.Diff(want, cfg.Probe); diff != "" {
		t.Error(diff)
	}
	p := cfg.Panels[0]
	for got, want := range map[string]string{
		fmt.Sprintln(p.CompareKeys, p.Challenges, p.AccessLogs): "true /srv/le [/srv/logs/*.log]\n",
		fmt.Sprint(p.Vhosts):                                   "[/etc/nginx/vhosts/*/*.conf]",
		p.ACME.Directory + " " + p.ACME.CAFile:                 "https://127.0.0.1:14000/dir /srv/pebble.pem",
		p.ACME.Proxy.Reveal():                                  "http://127.0.0.1:3128",
		fmt.Sprint(cfg.Resolvers):                              "[127.0.0.1:5353 [::1]:53]",
		fmt.Sprint(cfg.Lookups.Whois):                          "map[no:whois.norid.no:43 ru:127.0.0.1:4343 xn--p1ai:whois.tcinet.ru:43]",
		fmt.Sprintln(cfg.Lookups.RDAP, cfg.Lookups.Blocklists): "http://127.0.0.1:8080/rdap/ [key.bl.example zen.spamhaus.org]\n",
		cfg.Lookups.CDNRangesFile:                              "/srv/cdn.txt",
		cfg.Schedule.Domains.String():                          "@hourly",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestProxyThatOnlyTheServiceKnows: the proxy is configured although its
// address cannot be read, because a check without it would test another route
// than the panel's.
func TestProxyThatOnlyTheServiceKnows(t *testing.T) {
	cfg, faults := load("config.yaml", []byte(strings.Replace(minimal, "isp1,", `isp1, acme: {proxy: "${NOWHERE}"},`, 1)), labEnv(t))
	if faults != nil {
		t.Fatal(faults)
	}
	if proxy := cfg.Panels[0].ACME.Proxy; !proxy.IsSet() || proxy.Reveal() != "" {
		t.Errorf("the proxy is set: %t", proxy.IsSet())
	}
	if faults := cfg.CheckRun(); len(faults) != 2 || faults[1].Path != "panels[0].acme.proxy" {
		t.Error("run is stopped by", faults)
	}
}

func TestNameServers(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "[]",
		"nameserver 127.0.0.53\n":  "[127.0.0.53:53]",
		"\tnameserver\t10.0.0.1  ": "[10.0.0.1:53]",
		"# nameserver 10.0.0.1\n; nameserver 10.0.0.2\nsearch example.com\noptions edns0\nnameserver 10.0.0.3 # ours\n": "[10.0.0.3:53]",
		"nameserver ::1\nnameserver fe80::1%eth0\nnameserver ::ffff:10.0.0.1":                                           "[[::1]:53 [fe80::1%eth0]:53 10.0.0.1:53]",
		"nameserver 10.0.0.1\nnameserver 10.0.0.1\nnameserver 10.0.0.2":                                                 "[10.0.0.1:53 10.0.0.2:53]",
		"nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4":                            "[10.0.0.1:53 10.0.0.2:53 10.0.0.3:53]",
		"nameserver\nnameserver dns.example\nnameserver 0.0.0.0\nnameserver 10.0.0.1:53\nnameservers 10.0.0.1":          "[]",
	} {
		if got := fmt.Sprint(nameServers(strings.NewReader(text))); got != want {
			t.Errorf("%q names %s, want %s", text, got, want)
		}
	}
}

func TestSystemResolvers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if got := fmt.Sprint(systemResolvers(file)); got != "[127.0.0.1:53]" {
		t.Errorf("without a file the system asks %s", got)
	}
	write(t, file, "nameserver 10.0.0.1\n")
	if got := fmt.Sprint(systemResolvers(file)); got != "[10.0.0.1:53]" {
		t.Errorf("the system asks %s", got)
	}
}

// Without the key the system's resolvers are used; an empty list means that
// none is.
func TestWhoIsAsked(t *testing.T) {
	for text, system := range map[string]bool{"": true, "resolvers:\n": true, "resolvers: []\n": false, "resolvers: [127.0.0.1:5353]\n": false} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		write(t, file, minimal+text)
		cfg, faults := Load(file, labEnv(t))
		if faults != nil {
			t.Fatal(faults)
		}
		want := "[]"
		switch {
		case system:
			want = fmt.Sprint(systemResolvers(systemFile))
		case strings.Contains(text, "5353"):
			want = "[127.0.0.1:5353]"
		}
		if got := fmt.Sprint(cfg.Resolvers); got != want || cfg.UsesSystemResolvers() != system {
			t.Errorf("%q: %s are asked, the system's: %t", text, got, cfg.UsesSystemResolvers())
		}
	}
}
