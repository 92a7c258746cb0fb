package main

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"domovoy/checks/lab/internet"
)

// street is a small internet with five sites: two have no problem, and each of
// the others has a different one.
func street(t *testing.T) (*internet.Lab, outsideWorld, []string) {
	t.Helper()
	l := playing(t, "all is well")
	second, closed := netip.MustParseAddr("127.80.0.20"), netip.MustParseAddr("127.80.0.30")
	for name, addr := range map[string]string{"well.ru": second.String(), "closed.ru": closed.String(), "moved.ru": "93.184.216.34"} {
		if err := l.DNS.AddZone(internet.Zone{Origin: name, Text: "@ A " + addr + "\n"}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := l.CA.Issue(internet.Leaf{Names: []string{"well.ru"}})
	if err != nil {
		t.Fatal(err)
	}
	host := internet.Host{Sites: map[string]http.Handler{"": internet.Challenges{Dir: l.Panel.Challenges}}, Certificates: map[string]*tls.Certificate{"": c}}
	if err := l.Web.Open(second, host); err != nil {
		t.Fatal(err)
	}
	w := worldOf(l)
	w.addresses = append(w.addresses, second, closed)
	return l, w, []string{l.Domain, "well.ru", "closed.ru", "moved.ru", "free.ru"}
}

// swept is the output of a sweep.
func swept(t *testing.T, out string) (codes map[string]string, sum map[string]int, domains int) {
	t.Helper()
	codes = map[string]string{}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines[:len(lines)-1] {
		var c checked
		if err := json.Unmarshal([]byte(line), &c); err != nil || c.Domain == "" {
			t.Fatalf("%v: %q", err, line)
		}
		codes[c.Domain] = c.Verdict.Code
	}
	var last struct {
		Summary struct {
			Domains int            `json:"domains"`
			ByCode  map[string]int `json:"by_code"`
			Seconds float64        `json:"seconds"`
		} `json:"summary"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Summary.Seconds <= 0 {
		t.Fatalf("%v: the last line is %q", err, lines[len(lines)-1])
	}
	return codes, last.Summary.ByCode, last.Summary.Domains
}

// There is a line for each site and a summary that counts each once; the
// results are available to later questions.
func TestASweepLooksAtEverySite(t *testing.T) {
	t.Parallel()
	_, w, names := street(t)
	database := hosting(t, nil, names...)
	sqlite(t, database, "UPDATE letsencrypt_ssl SET failed = 'on' WHERE certname = 'moved.ru_le1'")
	file := w.configured(t, database)
	if out, told, status := said("ask", "--config", file, "list", "unknown"); status != exitRefused || !strings.Contains(out, "The sites have not been checked externally yet") {
		t.Errorf("before the first look: exit %d, %q, %q", status, out, told)
	}
	out, told, status := said("sweep", "--config", file, "--format", "json")
	if status != exitOK || !strings.Contains(told, "5 of 5") {
		t.Fatalf("exit %d, %q, %q", status, out, told)
	}
	follows(t, "domovoy sweep", []byte(out))
	codes, sum, domains := swept(t, out)
	want := map[string]string{names[0]: "ok", "well.ru": "ok", "closed.ru": "web.refused", "moved.ru": "dns.elsewhere", "free.ru": "dns.unregistered"}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"ok": 2, "web.refused": 1, "dns.elsewhere": 1, "dns.unregistered": 1}, sum); diff != "" || domains != len(names) {
		t.Errorf("the sum of %d (-want +got):\n%s", domains, diff)
	}
	if why, told, _ := said("ask", "--config", file, "why", "moved.ru"); !strings.Contains(why, "points elsewhere") || !strings.Contains(why, "at least since ") {
		t.Errorf("why does not tell since when:\n%s%s", why, told)
	}
	list, told, _ := said("ask", "--config", file, "--format", "json", "list", "failed")
	if !strings.Contains(list, `"domain":"moved.ru"`) || !strings.Contains(list, `"code":"dns.elsewhere"`) {
		t.Errorf("the list does not know the cause:\n%s%s", list, told)
	}
	for kind, want := range map[string]string{
		"elsewhere": `"list":"elsewhere","total":1}`, "free": `"list":"free","total":1}`, "unknown": `"items":[],"list":"unknown","total":0}`,
	} {
		if list, told, status := said("ask", "--config", file, "--format", "json", "list", kind); status != exitOK || !strings.Contains(list, want) {
			t.Errorf("exit %d: list %s is %s, want %s\n%s", status, kind, list, want, told)
		}
	}
	if digest, told, _ := said("ask", "--config", file, "report", "daily"); !strings.Contains(digest, "points elsewhere") {
		t.Errorf("the digest does not know the cause:\n%s%s", digest, told)
	}
}

// A panel that cannot be read, or lost its sites, is not swept: that no site has a
// problem would not be true. What was found stays.
func TestASweepOfAPanelThatIsNotKnown(t *testing.T) {
	t.Parallel()
	_, w, names := street(t)
	w.database = hosting(t, nil, names...)
	file := w.written(t, t.TempDir())
	if _, told, status := said("sweep", "--config", file); status != exitOK {
		t.Fatalf("exit %d: %q", status, told)
	}
	state := filepath.Join(filepath.Dir(file), "state.db")
	dump := []string{"SELECT * FROM look", "SELECT * FROM incident", "SELECT * FROM delivery", ""}
	before := sqlite(t, state, dump...)
	sqlite(t, w.database, "DELETE FROM webdomain")
	for range 2 {
		out, told, status := said("sweep", "--config", file, "--format", "json")
		if status != exitRefused || out != "" || !strings.Contains(told, english(t).Say("trouble.shrunk")) {
			t.Errorf("exit %d, %q, %q", status, out, told)
		}
	}
	if after := sqlite(t, state, dump...); after != before {
		t.Errorf("the sweep of a panel without sites changed what was known:\n%s\nwas\n%s", after, before)
	}
}

// Without a network of this host nothing is known about any domain: the output
// is one sentence, and earlier results are kept.
func TestASweepWithoutANetworkChangesNothing(t *testing.T) {
	t.Parallel()
	l, w, names := street(t)
	w.database = hosting(t, nil, names...)
	file := w.written(t, t.TempDir())
	if _, told, status := said("sweep", "--config", file); status != exitOK {
		t.Fatalf("exit %d: %q", status, told)
	}
	state := filepath.Join(filepath.Dir(file), "state.db")
	dump := []string{"SELECT * FROM look", "SELECT * FROM incident", "SELECT * FROM delivery", "SELECT * FROM job_run", ""}
	before := sqlite(t, state, dump...)
	for _, temper := range []internet.Temper{internet.Dead, internet.Refusing, internet.Silent} {
		cut := w
		cut.resolver = l.DNS.Resolver(temper)
		file := cut.written(t, filepath.Dir(file))
		out, told, status := said("sweep", "--config", file, "--format", "json")
		if status != exitRefused || out != "" || !strings.Contains(told, "check our own network and resolver first") {
			t.Errorf("resolver %d: exit %d, %q, %q", temper, status, out, told)
		}
		if diff := cmp.Diff(before, sqlite(t, state, dump...)); diff != "" {
			t.Errorf("resolver %d: the journal changed:\n%s", temper, diff)
		}
	}
}

// A sweep that is ended or killed halfway keeps its results, and the next one
// probes only the other sites.
func TestASweepThatWasCutShortGoesOn(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts the real program")
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			l, w, names := street(t)
			w.workers = 1 // so that the sites are probed in order
			file := w.configured(t, hosting(t, nil, names...))
			held := make(chan struct{})
			for _, kind := range []uint16{mdns.TypeA, mdns.TypeAAAA} {
				l.DNS.Resolve("closed.ru", kind, internet.Behaviour{Wait: held})
			}
			told := &output{}
			first := exec.CommandContext(t.Context(), realProgram, "sweep", "--config", file)
			first.Stdout, first.Stderr = told, told
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			held <- struct{}{} // it is at the third site; the other question is still blocked
			if err := first.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := first.Wait(); err == nil {
				t.Fatalf("a sweep that was cut short says that all is well:\n%s", told)
			}
			close(held)
			out, rest, status := said("sweep", "--config", file, "--format", "json")
			if status != exitOK || !strings.Contains(rest, "3 of 3") {
				t.Fatalf("exit %d, want 3 of 3:\n%s\nthe first said:\n%s", status, rest, told)
			}
			if codes, sum, _ := swept(t, out); codes["closed.ru"] != "web.refused" || sum["ok"] != 2 || len(codes) != len(names) {
				t.Errorf("verdicts %v, the sum %v", codes, sum)
			}
			for _, name := range names[:2] {
				if n := l.DNS.Asked(name, mdns.TypeA); n != 1 {
					t.Errorf("%s was looked up %d times in both sweeps, want once", name, n)
				}
			}
			if _, again, _ := said("sweep", "--config", file); !strings.Contains(again, "5 of 5") {
				t.Errorf("a sweep after one that ended looks at %q, want all", again)
			}
		})
	}
}
