package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
	"domovoy/checks/pace"
)

// Addresses of the lab's sites.
var (
	here   = netip.MustParseAddr("127.81.0.1")
	there  = netip.MustParseAddr("127.81.0.2")
	beyond = netip.MustParseAddr("127.81.0.3") // not one of ours
)

// street is a web with a CA, and a visitor who trusts the CA.
type street struct {
	*testing.T
	web *internet.Web
	ca  *internet.CA
}

func newStreet(t *testing.T) street {
	t.Helper()
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	web, err := internet.StartWeb()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := web.Close(); err != nil {
			t.Error(err)
		}
	})
	return street{t, web, ca}
}

func (s street) issue(l internet.Leaf) *tls.Certificate {
	s.Helper()
	if l.Names == nil {
		l.Names = []string{"client.ru", "*.client.ru"}
	}
	c, err := s.ca.Issue(l)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

func (s street) open(addr netip.Addr, https internet.Door, c *tls.Certificate) {
	s.Helper()
	h := internet.Host{HTTP: internet.Refused, HTTPS: https}
	if c != nil {
		h.Certificates = map[string]*tls.Certificate{"": c}
	}
	if err := s.web.Open(addr, h); err != nil {
		s.Fatal(err)
	}
}

func (s street) visitor() *Served {
	return NewServed(ServedOptions{HTTPSPort: uint16(s.web.HTTPSPort()), Timeout: time.Second, Own: []netip.Addr{here, there}, Roots: s.ca.Roots(), LifeLeft: 7.0 / 90})
}

// left is a leaf of 90 days with the given number of days left; if negative, it
// has expired.
func left(days int) internet.Leaf {
	end := time.Now().Add(time.Duration(days)*day + time.Hour).Truncate(time.Second)
	return internet.Leaf{NotBefore: end.Add(-90 * day), NotAfter: end}
}

// client is the subject for the site under its own name.
func client(change func(*checks.Subject)) checks.Subject {
	s := checks.Subject{Site: &checks.Site{Name: "client.ru", Secure: checks.On, Certificate: "client.ru_le1"}}
	if change != nil {
		change(&s)
	}
	return s
}

// file is a certificate as the panel has it on disk.
func file(t *testing.T, c *tls.Certificate) *checks.CertificateFile {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return &checks.CertificateFile{NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, SelfSigned: selfSigned(leaf)}
}

// words lists codes with their reasons: "untrusted incomplete, name".
func words(found []checks.Finding) string {
	var all []string
	for _, f := range found {
		word := strings.TrimPrefix(string(f.Code), "cert.")
		if why, ok := f.Args["reason"].(string); ok {
			word += " " + why
		}
		all = append(all, word)
	}
	return strings.Join(all, ", ")
}

func ours(name string, at ...netip.Addr) checks.NameInfo {
	return checks.NameInfo{Name: name, V4: at, Points: checks.PointsOurs}
}

// What a server presents to visitors.
func TestServed(t *testing.T) {
	s := newStreet(t)
	signer := s.issue(internet.Leaf{})
	reversed := &tls.Certificate{Certificate: slices.Clone(signer.Certificate), PrivateKey: signer.PrivateKey}
	slices.Reverse(reversed.Certificate)
	stolen := &tls.Certificate{Certificate: s.issue(internet.Leaf{}).Certificate, PrivateKey: signer.PrivateKey}
	stranger := newStreet(t)
	anEnd := s.issue(left(20))
	for i, tt := range []struct {
		name    string
		served  *tls.Certificate
		door    internet.Door
		asked   string
		subject func(*checks.Subject)
		want    string
	}{
		{name: "well", served: signer},
		{name: "RSA, well", served: s.issue(internet.Leaf{RSA: true})},
		{name: "a wildcard stands for one label", served: signer, asked: "www.client.ru"},
		{name: "and for one only", served: signer, asked: "a.b.client.ru", want: "name"},
		{name: "capitals and a last dot", served: signer, asked: "WWW.Client.RU."},
		{name: "an alias that the certificate lacks", served: s.issue(internet.Leaf{Names: []string{"client.ru"}}), asked: "www.client.ru", want: "name"},
		{name: "another site's", served: s.issue(internet.Leaf{Names: []string{"neighbour.ru"}}), want: "name"},
		{name: "without any name", served: s.issue(internet.Leaf{Names: []string{}}), want: "name"},
		{name: "expired", served: s.issue(left(-3)), want: "expired, overdue"},
		{name: "valid from tomorrow", served: s.issue(internet.Leaf{NotBefore: time.Now().Add(day), NotAfter: time.Now().Add(91 * day)}), want: "notyet"},
		{name: "the file is valid from tomorrow", served: signer, subject: func(x *checks.Subject) {
			x.File = &checks.CertificateFile{NotBefore: time.Now().Add(day), NotAfter: time.Now().Add(91 * day)}
		}},
		{name: "five days of ninety", served: s.issue(left(5)), want: "overdue"},
		{name: "one day of ninety", served: s.issue(left(1)), want: "expiring, overdue"},
		{name: "expired, and for others", served: s.issue(internet.Leaf{Names: []string{"x.ru"}, NotBefore: time.Now().Add(-99 * day)}), want: "expired, overdue, name"},
		{name: "signed by itself", served: s.issue(internet.Leaf{SelfSigned: true}), want: "untrusted selfsigned"},
		{name: "signed by itself for others", served: s.issue(internet.Leaf{SelfSigned: true, Names: []string{"x.ru"}}), want: "untrusted selfsigned, name"},
		{name: "without the intermediate", served: internet.WithoutChain(signer), want: "untrusted incomplete"},
		{name: "of a CA that nobody knows", served: stranger.issue(internet.Leaf{}), want: "untrusted unknownroot"},
		{name: "another CA's intermediate", served: &tls.Certificate{Certificate: append(slices.Clone(signer.Certificate[:1]), stranger.issue(internet.Leaf{}).Certificate[1]), PrivateKey: signer.PrivateKey}, want: "untrusted unknownroot"},
		{name: "the leaf last", served: reversed, want: "untrusted order"},
		{name: "the key of another certificate", served: stolen, want: "keymismatch signature"},
		{name: "alert 40", door: internet.NoCipher, want: "keymismatch handshake"},
		{name: "renewed, and the old one is served", served: anEnd, subject: func(x *checks.Subject) { x.File = file(t, signer) }, want: "notinstalled"},
		{name: "renewed, and the expired one is served", served: s.issue(left(-3)), subject: func(x *checks.Subject) { x.File = file(t, signer) }, want: "expired, overdue, notinstalled"},
		{name: "renewed, and the stand-in is served", served: s.issue(internet.Leaf{SelfSigned: true, NotBefore: time.Now().Add(-70 * day)}), subject: func(x *checks.Subject) { x.File = file(t, signer) }, want: "untrusted selfsigned, notinstalled"},
		{name: "the file is the same", served: signer, subject: func(x *checks.Subject) { x.File = file(t, signer) }},
		{name: "the file is the older one", served: signer, subject: func(x *checks.Subject) { x.File = file(t, anEnd) }},
		{name: "the file is a newer stand-in", served: anEnd, subject: func(x *checks.Subject) { x.File = file(t, s.issue(internet.Leaf{SelfSigned: true})) }},
		{name: "issued by the log, and the old one is served", served: anEnd, subject: func(x *checks.Subject) { x.History = &checks.History{Issued: time.Now().Add(-day)} }, want: "notinstalled"},
		{name: "issued by the log when it was", served: signer, subject: func(x *checks.Subject) { x.History = &checks.History{Issued: time.Now().Add(-30*day + 5*time.Hour)} }},
		{name: "TLS 1.1", served: signer, door: internet.OldTLS},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := netip.AddrFrom4([4]byte{127, 81, 1, byte(i)})
			s.open(at, tt.door, tt.served)
			if tt.asked == "" {
				tt.asked = "client.ru"
			}
			_, found, err := s.visitor().Handshake(t.Context(), ours(tt.asked, at), client(tt.subject), time.Now())
			if got := words(found); got != tt.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
			for _, f := range found {
				if f.Args["address"] != at.String() || f.Detail == "" {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}

// If no address could be checked, there are no findings.
func TestServedCouldNotLook(t *testing.T) {
	s := newStreet(t)
	for i, tt := range []struct {
		door    internet.Door
		subject func(*checks.Subject)
		want    string
	}{
		{internet.Refused, nil, "refused"},
		{internet.BlackHole, nil, "timeout"},
		{internet.Mute, nil, "deadline exceeded"},
		{internet.Reset, nil, "reset"},
		{internet.HangUp, nil, "EOF"},
		{internet.PlainHTTP, nil, "does not look like a TLS handshake"},
		{internet.NoCipher, func(x *checks.Subject) { x.Site.Certificate = "" }, "handshake failure"},
		{internet.NoCipher, func(x *checks.Subject) { x.FileErr = fs.ErrNotExist }, "handshake failure"},
		{internet.Open, nil, "remote error"}, // no certificate for this name: alert 80
	} {
		at := netip.AddrFrom4([4]byte{127, 81, 2, byte(i)})
		s.open(at, tt.door, nil)
		_, found, err := s.visitor().Handshake(t.Context(), ours("client.ru", at), client(tt.subject), time.Now())
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), at.String()) || len(found) != 0 {
			t.Errorf("door %d: %v, %v; want %q", tt.door, found, err, tt.want)
		}
	}
}

// Only our servers are asked, and only about names that visitors can request.
func TestServedAsksOurs(t *testing.T) {
	served := NewServed(ServedOptions{Own: []netip.Addr{here}})
	for _, tt := range []struct {
		name string
		at   checks.NameInfo
		site func(*checks.Subject)
		want []netip.Addr
	}{
		{"ours", ours("client.ru", here, there), nil, []netip.Addr{here, there}},
		{"partly", checks.NameInfo{Name: "client.ru", V4: []netip.Addr{beyond, here}, Points: checks.PointsPartly}, nil, []netip.Addr{here}},
		{"partly, by the site's own", checks.NameInfo{Name: "client.ru", V4: []netip.Addr{beyond, there}, Points: checks.PointsPartly},
			func(s *checks.Subject) { s.Site.Addresses = []netip.Addr{there} }, []netip.Addr{there}},
		{"elsewhere", checks.NameInfo{Name: "client.ru", V4: []netip.Addr{here}, Points: checks.PointsElsewhere}, nil, nil},
		{"proxied", checks.NameInfo{Name: "client.ru", V4: []netip.Addr{here}, Points: checks.PointsProxied}, nil, nil},
		{"unknown", checks.NameInfo{Name: "client.ru", V4: []netip.Addr{here}}, nil, nil},
		{"a wildcard", ours("*.client.ru", here), nil, nil},
		{"no TLS", ours("client.ru", here), func(s *checks.Subject) { s.Site.Secure = checks.Off }, nil},
		{"TLS that cannot be read", ours("client.ru", here), func(s *checks.Subject) { s.Site.Secure = checks.Unset }, []netip.Addr{here}},
	} {
		sub := client(tt.site)
		if got := served.addresses(tt.at, sub); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Two addresses with two certificates: a fault of one is reported once, and the
// difference is evidence. If one does not answer, the other's findings are
// kept.
func TestServedDiffers(t *testing.T) {
	s := newStreet(t)
	s.open(here, internet.Open, s.issue(internet.Leaf{}))
	s.open(there, internet.Open, s.issue(left(-1)))
	s.open(beyond, internet.Refused, nil)
	_, found, err := s.visitor().Handshake(t.Context(), ours("client.ru", here, there, beyond), client(nil), time.Now())
	if words(found) != "expired, overdue" || err == nil || !strings.Contains(err.Error(), beyond.String()) {
		t.Fatalf("%v, %v", found, err)
	}
	a := found[0].Args
	if a["address"] != there.String() || a["looked"] != 2 || len(a["differ"].([]string)) != 2 || fmt.Sprint(a["addresses"]) != "[127.81.0.2]" {
		t.Errorf("%v", a)
	}
	if at, ok := a["until"].(time.Time); !ok || at != a["at"] || a["issuer"] != "Lab Intermediate" {
		t.Errorf("%v", a)
	}
	for _, part := range []string{"127.81.0.1", "TLS 1.3", "refused", "for client.ru *.client.ru", "Lab Intermediate"} {
		if !strings.Contains(found[0].Detail, part) {
			t.Errorf("no %q in\n%s", part, found[0].Detail)
		}
	}
}

// An expired certificate that a newer one should have replaced is critical.
func TestServedExpiredNotInstalled(t *testing.T) {
	s := newStreet(t)
	s.open(here, internet.Open, s.issue(left(-1)))
	_, found, err := s.visitor().Handshake(t.Context(), ours("client.ru", here), client(func(x *checks.Subject) { x.File = file(t, s.issue(internet.Leaf{})) }), time.Now())
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	if f := found[len(found)-1]; f.Code != checks.CertNotInstalled || f.Severity != checks.Critical || f.Args["by"] != "file" {
		t.Errorf("%+v", f)
	}
}

// A host without a list of CAs cannot find a certificate untrusted, but finds
// everything else.
func TestServedWithoutRoots(t *testing.T) {
	s := newStreet(t)
	s.open(here, internet.Open, s.issue(left(5)))
	served := s.visitor()
	served.trust = newVerified(x509.NewCertPool())
	_, found, err := served.Handshake(t.Context(), ours("client.ru", here), client(nil), time.Now())
	if words(found) != "overdue" || !errors.Is(err, ErrNoRoots) {
		t.Errorf("%v, %v", found, err)
	}
}

func TestServedCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	served := NewServed(ServedOptions{Pace: pace.New[netip.Addr](1, 1)})
	if _, found, err := served.Handshake(ctx, ours("client.ru", here), client(nil), time.Time{}); !errors.Is(err, context.Canceled) || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
}

// An IPv4 address in its IPv6 form shares the pace of the IPv4 address.
func TestServedPaceOfAMappedAddress(t *testing.T) {
	served := NewServed(ServedOptions{Pace: pace.New[netip.Addr](1.0/3600, 1)})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := served.opts.Pace.Wait(ctx, here); err != nil {
		t.Fatal(err)
	}
	mapped := served.dial(ctx, netip.AddrPortFrom(netip.AddrFrom16(here.As16()), 443), "client.ru")
	if mapped.err == nil || !strings.Contains(mapped.err.Error(), "waiting for a turn") {
		t.Errorf("a second turn within the hour: %v", mapped.err)
	}
}

// The dates are those of the certificate that expires first, and zero unless
// all addresses served one.
func TestServedDates(t *testing.T) {
	s := newStreet(t)
	short, long := s.issue(left(20)), s.issue(left(70))
	s.open(here, internet.Open, short)
	s.open(there, internet.Open, long)
	s.open(beyond, internet.Refused, nil)
	standIn, other := netip.MustParseAddr("127.81.3.1"), netip.MustParseAddr("127.81.3.2")
	s.open(standIn, internet.Open, s.issue(internet.Leaf{SelfSigned: true}))
	s.open(other, internet.NoCipher, long)
	for _, tt := range []struct {
		name string
		at   []netip.Addr
		want *tls.Certificate
	}{
		{"one", []netip.Addr{there}, long},
		{"two", []netip.Addr{there, here}, short},
		{"one that does not answer", []netip.Addr{there, beyond}, nil},
		{"a stand-in, whose dates mean nothing", []netip.Addr{standIn}, nil},
		{"a handshake that fails", []netip.Addr{other}, nil},
		{"nobody asked", nil, nil},
	} {
		dates, _, _ := s.visitor().Handshake(t.Context(), ours("client.ru", tt.at...), client(nil), time.Now())
		var want checks.Validity
		if tt.want != nil {
			f := file(t, tt.want)
			want = checks.Validity{NotBefore: f.NotBefore, NotAfter: f.NotAfter}
		}
		if dates != want || dates.Known() != (tt.want != nil) {
			t.Errorf("%s: %v, want %v", tt.name, dates, want)
		}
	}
}
