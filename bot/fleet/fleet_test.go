package fleet

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestNamesInSubjects: every name of a site or a file can stand in a subject and comes
// back.
func TestNamesInSubjects(t *testing.T) {
	for _, name := range []string{"shop.ru", "*.shop.ru", "xn--e1afmkfd.xn--p1ai", "/var/www/httpd-cert/x y.crt", "a", "\x00>"} {
		id := ID(name)
		if strings.ContainsAny(id, ".*> =") || strings.ToLower(id) != id {
			t.Errorf("the id of %q is %q", name, id)
		}
		if back, ok := ParseID(id); !ok || back != name {
			t.Errorf("%q comes back as %q", name, back)
		}
	}
	for _, id := range []string{"", "ABC", "a1", "a", "aaaaaaab", "aa==", "ab"} {
		if name, ok := ParseID(id); ok && ID(name) != id {
			t.Errorf("%q is read as %q, whose id is another", id, name)
		}
	}
	fact := Fact{Panel: "isp2", Kind: KindSite, ID: ID("shop.ru")}
	if got, ok := ParseFact(fact.Subject()); !ok || got != fact {
		t.Error("the fact is", got)
	}
	for _, subject := range []string{StateSubject("isp2"), "dv2.facts.isp2.site.aa", fact.Subject() + ".x", "x"} {
		if got, ok := ParseFact(subject); ok {
			t.Errorf("%s is the fact %v", subject, got)
		}
	}
}

// TestEnrolmentComesBack: what "fleet add" writes is what an agent reads, with other
// line ends, too.
func TestEnrolmentComesBack(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	want := Enrolment{Hub: "tls://hub.example.com:4222", Name: "isp2", Panels: []string{"isp2", "isp3"}, Key: key}
	text, err := want.Text("The key of isp2.\n\nmode 0600")
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{text, strings.ReplaceAll(text, "\n", "\r\n"), "later: x\n" + text} {
		got, err := ParseEnrolment(form)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Enrolment{}, "Key")); diff != "" || got.Key.Public() != key.Public() {
			t.Error(diff)
		}
	}
	for _, form := range []string{"", strings.Replace(text, "name: isp2", "name: ../isp2", 1), strings.Replace(text, "panels: isp2 isp3", "panels: >", 1), strings.Replace(text, "SU", "SA", 1), strings.Replace(text, "hub: tls", "hab: tls", 1)} {
		if got, err := ParseEnrolment(form); err == nil {
			t.Errorf("%q is read as %v", form, got)
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v", want, want, key); strings.Contains(shown, "SU") {
		t.Error("the key shows in", shown)
	}
}

// TestMembers: each agent has one name and its own panels; a refused change leaves the
// file as it was.
func TestMembers(t *testing.T) {
	folder := t.TempDir() + "/hub"
	add := func(name string, panels ...string) error {
		return ChangeMembers(folder, func(m *Members) error {
			return m.Add(Member{Name: name, Key: "U" + name, Panels: panels, Since: time.Unix(0, 0).UTC()})
		})
	}
	for _, step := range []struct {
		do   error
		want error
	}{
		{add("isp2", "isp2", "isp3"), nil},
		{add("fra1"), nil},
		{add("fra1"), ErrEnrolled},
		{add("ams1", "isp3"), ErrPanelTaken},
		{add("AMS"), ErrName},
		{add("ams1", "a.b"), ErrName},
		{ChangeMembers(folder, func(m *Members) error { return m.Remove("fra1") }), nil},
		{ChangeMembers(folder, func(m *Members) error { return m.Remove("fra1") }), ErrNotEnrolled},
		{add("fra1"), nil},
	} {
		if !errors.Is(step.do, step.want) {
			t.Errorf("got %v, want %v", step.do, step.want)
		}
	}
	m, err := ReadMembers(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Agents) != 2 || m.Agents[0].Name != "fra1" || strings.Join(m.Agents[1].Panels, " ") != "isp2 isp3" {
		t.Error("the members are", m)
	}
	info, err := os.Stat(MembersFile(folder))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error("the file has", info.Mode(), err)
	}
}
