package main

import (
	"encoding/json"
	"testing"
	"time"

	"domovoy/checks/lab/internet"
)

// A check asks when the registration of the site's domain ends, and what the
// registry said is there for other processes: the list has it, and nobody asks
// again.
func TestTheRegistrationOutlivesAProcess(t *testing.T) {
	l := playing(t, "all is well")
	ends := time.Now().AddDate(0, 0, 10).UTC().Truncate(time.Second)
	l.Registry.Register(internet.Registration{Domain: l.Domain, Delegated: true, Registrar: "REGRU-RU", PaidTill: ends, FreeDate: ends.AddDate(0, 1, 0), Servers: []string{"ns1." + l.Domain}})
	file := worldOf(l).configured(t, hosting(t, l.Panel.Aliases, l.Domain, "silent.invalid.com"))
	for range 2 {
		out, told, status := said("ask", "--config", file, "--format", "json", "check", l.Domain)
		var got struct {
			Verdict  struct{ Code string }
			Findings []struct {
				Code, Severity string
				Args           map[string]any
			}
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || status != exitOK {
			t.Fatalf("exit %d, %v: %q, %q", status, err, out, told)
		}
		if got.Verdict.Code != "ok" || len(got.Findings) != 1 || got.Findings[0].Code != "dns.ending" || got.Findings[0].Severity != "warning" || got.Findings[0].Args["paid_till"] != ends.Format(time.RFC3339) {
			t.Fatalf("%s", out)
		}
	}
	out, told, status := said("ask", "--config", file, "--format", "json", "list", "ending")
	var list struct {
		Total   int
		Domains map[string]int
		Items   []struct {
			Domain, Name, Owner, Code, Who string
			Expires                        time.Time
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || status != exitOK {
		t.Fatalf("exit %d, %v: %q, %q", status, err, out, told)
	}
	if list.Total != 2 || list.Domains["dated"] != 1 || list.Domains["waiting"] != 1 {
		t.Fatalf("%s", out)
	}
	if item := list.Items[0]; item.Domain != l.Domain || item.Owner != "client1" || item.Code != "ok" || item.Who != "customer" || !item.Expires.Equal(ends) {
		t.Errorf("%+v", item)
	}
	if item := list.Items[1]; item.Domain != "silent.invalid.com" || item.Name != l.Domain { // it has the first one's aliases
		t.Errorf("%+v", item)
	}
	if n := l.Registry.Asked(l.Domain); n != 1 {
		t.Errorf("the registry was asked %d times by three processes", n)
	}
}
