package reports

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// lookedAt is a panel whose sites were looked at; each has what was found.
func lookedAt(found map[string][]checks.Finding, failed map[string][]checks.Failure, off ...string) Server {
	s := Server{Name: "isp1", Read: noon, Looks: map[string]Look{}, Opened: Since{{"away.ru", checks.DNSElsewhere}: noon.Add(-9 * day)}}
	for _, name := range []string{"away.ru", "alias.ru", "free.ru", "unpaid.ru", "soon.ru", "later.ru", "dark.ru", "well.ru", "off.ru"} {
		x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: name, Owner: "u", Active: checks.On}}
		s.Subjects = append(s.Subjects, x)
		s.Looks[name] = Look{At: noon.Add(-time.Hour), Findings: found[name], Failures: failed[name]}
	}
	for _, name := range off {
		delete(s.Looks, name)
	}
	return s
}

func seenOn(site string, code checks.Code, args checks.Args) []checks.Finding {
	f := onSite(site, code)
	f.Args = args
	return []checks.Finding{f}
}

// A site is on a list of what was seen by its verdict alone; who is free
// soonest comes first, and a name that is registered and paid is not free.
func TestListsOfWhatWasSeen(t *testing.T) {
	soon, later := noon.Add(3*day), noon.Add(30*day)
	alias := seenOn("alias.ru", checks.DNSPartly, checks.Args{"ours": "203.0.113.10", "others": "198.51.100.7"})
	alias[0].Name = "www.alias.ru"
	s := lookedAt(map[string][]checks.Finding{
		"away.ru":   append(seenOn("away.ru", checks.DNSElsewhere, checks.Args{"addresses": "198.51.100.7", "network": "beget.com"}), onSite("away.ru", checks.CertExpired)),
		"alias.ru":  alias,
		"free.ru":   seenOn("free.ru", checks.DNSUnregistered, checks.Args{"domain": "free.ru"}),
		"unpaid.ru": seenOn("unpaid.ru", checks.DNSUndelegated, checks.Args{"paid_till": later}),
		"soon.ru":   seenOn("soon.ru", checks.DNSUndelegated, checks.Args{"free_date": soon}),
		"later.ru":  seenOn("later.ru", checks.DNSUndelegated, checks.Args{"free_date": later}),
	}, map[string][]checks.Failure{
		"dark.ru": {{Check: "dns", Site: "dark.ru", Err: "timeout"}, {Check: "dns", Site: "dark.ru", Err: "timeout"}, {Check: "served", Site: "dark.ru", Err: "timeout"}},
	})
	row := func(name string, code checks.Code) Row {
		return Row{Domain: name, Owner: "u", Server: "isp1", Code: code}
	}
	away, partly, dark, first, second := row("away.ru", checks.DNSElsewhere), row("alias.ru", checks.DNSPartly), row("dark.ru", checks.Unknown),
		row("soon.ru", checks.DNSUndelegated), row("later.ru", checks.DNSUndelegated)
	away.To, away.Since = "beget.com", noon.Add(-9*day)
	partly.To, partly.Name = "198.51.100.7", "www.alias.ru"
	dark.Blind = []string{"dns", "served"}
	first.Free, second.Free = soon, later
	for kind, want := range map[string][]Row{
		"elsewhere": {partly, away},
		"free":      {row("free.ru", checks.DNSUnregistered), first, second},
		"unknown":   {dark},
	} {
		if diff := cmp.Diff(want, List(kind, []Server{s}, Filter{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

// What was not looked at is told, and a site that is switched off is not
// waited for.
func TestHowFarTheLooksGo(t *testing.T) {
	s := lookedAt(nil, nil, "dark.ru", "off.ru")
	s.Subjects[8].Site.Active = checks.Off
	s.Looks["well.ru"] = Look{At: noon.Add(-5 * time.Hour)}
	if unseen, oldest := s.Sights(); unseen != 1 || !oldest.Equal(noon.Add(-5*time.Hour)) {
		t.Errorf("%d sites were not seen, the oldest look is of %s", unseen, oldest)
	}
	s.Looks = nil
	if unseen, oldest := s.Sights(); unseen != 8 || !oldest.IsZero() {
		t.Errorf("without looks %d sites were not seen, the oldest look is of %s", unseen, oldest)
	}
}
