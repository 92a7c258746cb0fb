package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"domovoy/checks/lab"
	"domovoy/checks/lab/internet"
)

// A case is a situation that people reported in public, with the right answer:
// a file of testdata/cases. Its head describes it and has lines of these keys,
// each at most once, of which name, code and who are required:
//
//	name: the site, in punycode
//	code: the accepted codes
//	who: the accepted parties
//	en, ru: what check must say in that language, a regular expression; case is ignored
//	en-not, ru-not: what it must not say
//	blind: yes if nothing may be looked at from outside: an address that the texts
//	       name is one of the real internet
//
// Its files are optional:
//
//	attempts 72h 24h  the text with which attempts failed so long ago; "processing"
//	                  among the times: the order is under way. There may be several
//	zone, whois, certificate, web    how the site is hosted: see internet.Hosting
//	access.log        lines of the site's access log; %last is the time of the last attempt
//
// In all files %us is our address, and %date the time of one's attempt in the
// form of the client acme.sh.
type reported struct {
	head  map[string]string
	files []txtar.File
}

func reportedCase(t *testing.T, path string) reported {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := reported{head: map[string]string{}, files: archive.Files}
	keys := []string{"name", "code", "who", "en", "ru", "en-not", "ru-not", "blind"}
	for line := range strings.Lines(string(archive.Comment)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && slices.Contains(keys, key) {
			if c.head[key] != "" {
				t.Fatalf("%s: two lines of %s", path, key)
			}
			c.head[key] = value
		}
	}
	for _, key := range keys[:3] {
		if c.head[key] == "" {
			t.Fatalf("%s: no %s", path, key)
		}
	}
	return c
}

// file returns a file of the case; empty: it has none.
func (c reported) file(name string) string {
	for _, f := range c.files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// hosted starts the lab for the case, and writes the panel and the
// configuration. It returns the configuration's path.
func (c reported) hosted(t *testing.T) string {
	t.Helper()
	hosting := internet.Hosting{Name: c.head["name"], Zone: c.file("zone"), WHOIS: c.file("whois"), Certificate: c.file("certificate"), Web: c.file("web")}
	l, err := internet.Hosted(hosting).Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := lab.NewPanel(filepath.Join(t.TempDir(), "ispmgr.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	us := l.Panel.Addresses[0].String()
	certificate := lab.Certificate{Name: l.Domain + "_le1", Domain: l.Domain, Owner: "client1", Started: time.Now().AddDate(0, 0, -50)}
	world := worldOf(l)
	if hosting.Certificate != "" {
		certificate.Started, world.certificates = filed(t, l.Panel.Certificate, certificate.Owner, certificate.Name)
	}
	last, err := c.attempts(p, us, &certificate)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.AddCertificate(certificate); err != nil {
		t.Fatal(err)
	}
	site := lab.Site{Name: l.Domain, Owner: "client1", Addresses: []string{us}, Active: true, Secure: true, RedirectHTTP: true, Certificate: certificate.Name}
	if _, err := p.AddSite(site); err != nil {
		t.Fatal(err)
	}
	if c.head["blind"] != "" {
		world.resolver = ""
	}
	if log := c.file("access.log"); log != "" {
		world.accessLog = l.Panel.AccessLog
		put(t, world.accessLog, []byte(strings.NewReplacer("%last", last.UTC().Format("02/Jan/2006:15:04:05 -0700")).Replace(log)))
	}
	return world.configured(t, p.Path())
}

// filed puts a bundle into a panel's folder of certificates. It returns when its
// certificate was issued, and the folder.
func filed(t *testing.T, bundle, owner, name string) (issued time.Time, folder string) {
	t.Helper()
	chain, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(chain)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	path := filepath.Join(folder, owner, name)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, path+".crt", pem.EncodeToMemory(block))
	put(t, path+".crtca", chain)
	return leaf.NotBefore.Add(time.Hour), folder // the CA dates it an hour back
}

// attempts writes the issuance log: a success when the certificate was issued,
// then the case's failures. It returns when the last of them was.
func (c reported) attempts(p *lab.Panel, us string, certificate *lab.Certificate) (last time.Time, err error) {
	lines := []lab.Attempt{{Certificate: certificate.Name, Status: lab.StatusOK, At: certificate.Started}}
	for _, f := range c.files {
		ages, ok := strings.CutPrefix(f.Name, "attempts ")
		if !ok {
			continue
		}
		for age := range strings.FieldsSeq(ages) {
			if age == "processing" {
				certificate.Processing = true
				continue
			}
			ago, err := time.ParseDuration(age)
			if err != nil {
				return last, err
			}
			at := time.Now().Add(-ago)
			text := strings.NewReplacer("%us", us, "%date", at.UTC().Format(time.UnixDate)).Replace(strings.TrimSpace(string(f.Data)))
			lines = append(lines, lab.Attempt{Certificate: certificate.Name, Status: lab.StatusFailed, At: at, Message: text})
		}
	}
	slices.SortFunc(lines, func(a, b lab.Attempt) int { return a.At.Compare(b.At) })
	for _, line := range lines {
		if _, err := p.AddAttempt(line); err != nil {
			return last, err
		}
	}
	return lines[len(lines)-1].At, nil
}

// answers runs check in every form and compares it with what the case accepts.
func (c reported) answers(t *testing.T, config string) {
	out, told, status := said("ask", "--config", config, "--format", "json", "check", c.head["name"])
	var got checked
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != exitOK {
		t.Fatalf("exit %d, %v: %q, %q", status, err, out, told)
	}
	v := got.Verdict
	if !slices.Contains(strings.Fields(c.head["code"]), v.Code) || !slices.Contains(strings.Fields(c.head["who"]), v.Next.Who) {
		t.Errorf("the verdict is %s, %s acts; want %s, %s\n%s", v.Code, v.Next.Who, c.head["code"], c.head["who"], out)
	}
	for _, language := range []string{"en", "ru"} {
		text, told, status := said("ask", "--config", config, "--lang", language, "check", c.head["name"])
		if status != exitOK {
			t.Fatalf("exit %d: %q", status, told)
		}
		t.Logf("%s\n%s", language, text)
		text = strings.Join(strings.Fields(text), " ")
		if must := c.head[language]; must != "" && !regexp.MustCompile("(?i)"+must).MatchString(text) {
			t.Errorf("%s: it does not say %q", language, must)
		}
		if never := c.head[language+"-not"]; never != "" && regexp.MustCompile("(?i)"+never).MatchString(text) {
			t.Errorf("%s: it says %q", language, never)
		}
	}
}

// TestReportedCases plays what people reported in public, with the whole
// program, and reads its answers in both languages.
func TestReportedCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c := reportedCase(t, path)
			c.answers(t, c.hosted(t))
		})
	}
}
