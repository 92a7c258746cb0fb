package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"domovoy/bot/fleet"
)

// enrolment is a valid one; its key lets nobody in anywhere.
func enrolment(t testing.TB) string {
	t.Helper()
	key, err := fleet.ParseKey(testSeed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := fleet.Enrolment{Hub: "tls://hub.example.com:4222", Name: "fra1", Panels: []string{"isp1"}, Key: key, CA: testCA}.Text("Agent fra1")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestAgentNeedsOnlyItsEnrolment: the file that "fleet add" printed says where the hub
// is and by which CA it is known.
func TestAgentNeedsOnlyItsEnrolment(t *testing.T) {
	cfg, faults := load("config.yaml", []byte(`state: ${STATE}
resolvers: ["127.0.0.1:53"]
fleet: {key_file: "${SECRETS}/enrolment"}
vantage: {name: fra1, network: AS64500, country: de}
`), labEnv(t))
	if faults != nil {
		t.Fatal(strings.Join(faults.Render(locale(t, "en")), "\n"))
	}
	if faults := cfg.CheckAgent(); len(faults) > 0 {
		t.Error(faults)
	}
	ca, err := cfg.Fleet.CA()
	if err != nil || ca != testCA {
		t.Error("the CA is", ca, err)
	}
	if got := strings.Join(cfg.Fleet.Addresses(), " "); got != "tls://hub.example.com:4222" {
		t.Error("the hub is", got)
	}
	if e, ok := cfg.Fleet.Enrolment(); !ok || e.Name != "fra1" || strings.Join(e.Panels, " ") != "isp1" {
		t.Error("the agent is", e)
	}
}

// TestRootsOfAnAgent: what an agent's panel trusts beside the system has to fit into a
// message; comments between certificates do not count.
func TestRootsOfAnAgent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "roots.pem")
	for times, want := range map[int]string{1: "", 2000: "panels[0].acme.ca_file config.agent.roots"} {
		if err := os.WriteFile(file, []byte(strings.Repeat(strings.Repeat("# the lab's\n", 50000/times)+testCA, times)), 0o600); err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(minimal, "ispmgr.db}", "ispmgr.db, acme: {ca_file: "+file+"}}", 1) + "fleet: {key_file: \"${SECRETS}/enrolment\"}\n"
		_, faults := load("config.yaml", []byte(text), labEnv(t))
		got := ""
		for _, f := range faults {
			got += f.Path + " " + f.Key
		}
		if got != want {
			t.Errorf("%d certificates: %q, want %q", times, got, want)
		}
	}
}

// TestPanelsOfAnAgent: the hub takes only what the agent was enrolled for.
func TestPanelsOfAnAgent(t *testing.T) {
	text := strings.Replace(minimal, "isp1", "isp7", 1) + "fleet: {key_file: \"${SECRETS}/enrolment\"}\n"
	_, faults := load("config.yaml", []byte(text), labEnv(t))
	if len(faults) != 1 || faults[0].Path != "panels[0].name" || faults[0].Key != "config.agent.panel" {
		t.Error(faults)
	}
}

// TestWhatStopsAnAgent lists the faults of a file that is not an agent's.
func TestWhatStopsAnAgent(t *testing.T) {
	for text, want := range map[string]string{
		minimal:                              "config.agent.hub",
		minimal + "fleet: {listen: ':4222'}": "config.agent.listen",
		minimal + "fleet: {key_file: \"${SECRETS}/enrolment\", share_sweeps: true}\n":                          "config.agent.share",
		"state: ${STATE}\nfleet: {key_file: \"${SECRETS}/enrolment\"}\n":                                       "config.agent.idle",
		minimal + "fleet: {key_file: \"${SECRETS}/enrolment\"}\n":                                              "",
		"state: ${STATE}\nresolvers: []\nvantage: {name: fra1}\nfleet: {key_file: \"${SECRETS}/enrolment\"}\n": "config.agent.blind",
	} {
		cfg, faults := load("config.yaml", []byte(text), labEnv(t))
		if faults != nil {
			t.Fatal(text, faults)
		}
		got := ""
		for _, f := range cfg.CheckAgent() {
			got += f.Key
		}
		if got != want {
			t.Errorf("%s\n got %q, want %q", text, got, want)
		}
	}
}

// TestBotWithTheKeyOfAnAgent: with an agent's enrolment and nobody to speak to a file is an
// agent's; with somebody it is a mistake.
func TestBotWithTheKeyOfAnAgent(t *testing.T) {
	for text, want := range map[string]string{
		minimal + "fleet: {key_file: \"${SECRETS}/enrolment\"}\n": "agent",
		minimal: "config.mute.messenger",
		minimal + "fleet: {key_file: \"${SECRETS}/enrolment\"}\ntelegram: {token_file: \"${SECRETS}/telegram\"}\nchats: [{to: \"telegram:1\", receives: [alerts]}]\n": "config.run.agent",
	} {
		cfg, faults := load("config.yaml", []byte(text), labEnv(t))
		if faults != nil {
			t.Fatal(text, faults)
		}
		got := ""
		for _, f := range cfg.CheckRun() {
			got += f.Key
		}
		if cfg.IsAgent() {
			got = "agent"
		}
		if got != want {
			t.Errorf("%s\n got %q, want %q", text, got, want)
		}
	}
}

// TestHub: servers of one cluster, each with a port.
func TestHub(t *testing.T) {
	for text, want := range map[string]string{
		"tls://hub.example.com": "tls://hub.example.com:4222", "tls://a:1, tls://[::1]": "tls://a:1,tls://[::1]:4222",
		"nats://a": no, "a:4222": no, "tls://": no, "tls://u:p@a": no, "tls://a/x": no, "tls://a,": no, "": no,
	} {
		if got := read(readHub, text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"hub.example.com": "hub.example.com", "hub.example.com:5222": "hub.example.com:5222", "203.0.113.7": "203.0.113.7",
		"2001:db8::7": "[2001:db8::7]", "[2001:db8::7]:5222": "[2001:db8::7]:5222",
		"tls://hub": no, "hub:0": no, "hub example": no, "": no, "0.0.0.0": no,
	} {
		if got := read(readEndpoint, text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// testSeed and testCA are of nobody.
const testSeed = "SUAHXVC3THFRTKYBFRKOGDD46NYEUY3HWCC2NU2CNHBC7UMUK6KH5TQCZI"

const testCA = `-----BEGIN CERTIFICATE-----
MIIBQTCB6aADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMTBHRlc3QwIhgP
MDAwMTAxMDEwMDAwMDBaGA8yMDU2MTEzMDAwMjA0MVowDzENMAsGA1UEAxMEdGVz
dDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBEKLThlKPwsXNZD5ZSCVG/H1pc5
BwSmexTDCI4thD0rqK68Gb9gJrL45gz9sdKfoLqYusYMw7XupPaMolKGFmqjMjAw
MA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFF6dYsOSicdc+cIn738h1TelcXZ8
MAoGCCqGSM49BAMCA0cAMEQCIGcq0K+XV+r49pVmHEna6xsf/Yk464JEdp20JjID
0toHAiBJD2n5qjvtLl66Uefb4yxZM7YSMEaT2Wl5N6uwekjMjg==
-----END CERTIFICATE-----
`
