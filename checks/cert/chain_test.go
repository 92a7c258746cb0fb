package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

// link is a certificate with its key, to sign others with.
type link struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// sign makes a certificate signed by l; a zero link signs itself.
func (l link) sign(t *testing.T, name string, change func(*x509.Certificate)) link {
	t.Helper()
	next := link{key: key(t)}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: noon.Add(-900 * day),
		NotAfter: noon.Add(900 * day), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	if change != nil {
		change(template)
	}
	parent, signer := l.Certificate, l.key
	if parent == nil {
		parent, signer = template, next.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &next.key.PublicKey, signer)
	if err == nil {
		next.Certificate, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// cross signs another CA's name and key.
func (l link) cross(t *testing.T, other link) link {
	t.Helper()
	template := *other.Certificate
	template.AuthorityKeyId = nil
	der, err := x509.CreateCertificate(rand.Reader, &template, l.Certificate, &other.key.PublicKey, l.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return link{c, other.key}
}

func TestDistrust(t *testing.T) {
	leaf := func(usage ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.IsCA, c.KeyUsage, c.DNSNames, c.ExtKeyUsage = false, x509.KeyUsageDigitalSignature, []string{"client.ru"}, usage
			c.NotBefore, c.NotAfter = noon.Add(-30*day), noon.Add(60*day)
		}
	}
	web := leaf(x509.ExtKeyUsageServerAuth)
	root := link{}.sign(t, "root", nil)
	good := root.sign(t, "E7", nil)
	over := root.sign(t, "E6", func(c *x509.Certificate) { c.NotAfter = noon.Add(-day) })
	noCA := root.sign(t, "E5", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
	strange := link{}.sign(t, "elsewhere", nil)
	chain := func(links ...link) []*x509.Certificate {
		var all []*x509.Certificate
		for _, l := range links {
			all = append(all, l.Certificate)
		}
		return all
	}
	of := good.sign(t, "client.ru", web)
	for _, tt := range []struct {
		name  string
		chain []*x509.Certificate
		now   time.Time
		want  Distrust
	}{
		{"whole", chain(of, good), noon, ""},
		{"with the root, which is of no use", chain(of, good, root), noon, ""},
		{"in disorder behind the leaf", chain(of, strange, root, good), noon, ""},
		{"signed by the root", chain(root.sign(t, "client.ru", web)), noon, ""},
		{"whole, and the leaf is over", chain(of, good), noon.Add(70 * day), ""},
		{"whole, and the leaf is not yet valid", chain(of, good), noon.Add(-40 * day), ""},
		{"the intermediate is missing", chain(of), noon, Incomplete},
		{"another intermediate instead", chain(of, over), noon, Incomplete},
		{"an unknown root, sent along", chain(strange.sign(t, "client.ru", web), strange), noon, UnknownRoot},
		{"an intermediate that is over", chain(over.sign(t, "client.ru", web), over), noon, ChainOver},
		{"signed by what is no CA", chain(noCA.sign(t, "client.ru", web), noCA), noon, UnknownRoot},
		{"not for web servers", chain(good.sign(t, "client.ru", leaf(x509.ExtKeyUsageEmailProtection)), good), noon, BadChain},
	} {
		roots := x509.NewCertPool()
		roots.AddCert(root.Certificate)
		if got, err := distrust(tt.chain, roots, tt.now); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

// TestVerified: what is remembered of a chain is what verifying it gives, and
// is forgotten with time.
func TestVerified(t *testing.T) {
	root := link{}.sign(t, "root", nil)
	short := root.sign(t, "E7", func(c *x509.Certificate) { c.NotAfter = noon.Add(time.Minute) })
	of := short.sign(t, "client.ru", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
	whole, alone := []*x509.Certificate{of.Certificate, short.Certificate}, []*x509.Certificate{of.Certificate}
	roots := x509.NewCertPool()
	roots.AddCert(root.Certificate)
	v := newVerified(roots)
	for _, tt := range []struct {
		chain []*x509.Certificate
		now   time.Time
		want  Distrust
	}{
		{whole, noon, ""},
		{alone, noon, Incomplete},
		{whole, noon.Add(verifiedFor - 1), ""}, // remembered: the intermediate is over
		{whole, noon.Add(verifiedFor), ChainOver},
		{whole, noon, ""}, // the clock was put back
	} {
		if got, err := v.distrust(tt.chain, tt.now); got != tt.want || err != nil {
			t.Errorf("at %s: %q, %v; want %q", tt.now, got, err, tt.want)
		}
	}
	for range mostVerified {
		c := *of.Certificate
		c.Raw = []byte(rand.Text())
		_, _ = v.distrust([]*x509.Certificate{&c}, noon)
	}
	if len(v.known) > mostVerified {
		t.Errorf("%d chains are remembered", len(v.known))
	}
	if why, err := newVerified(x509.NewCertPool()).distrust(whole, noon); !errors.Is(err, ErrNoRoots) || why != "" {
		t.Errorf("without roots: %q, %v", why, err)
	}
}

// A generation of CAs whose roots are in no browser yet: whatever else a host
// trusts, the cross-certificates up to an old root must be sent along.
func TestGenerationY(t *testing.T) {
	web := func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.DNSNames = false, x509.KeyUsageDigitalSignature, []string{"client.ru"}
		c.NotBefore, c.NotAfter = noon.Add(-30*day), noon.Add(60*day)
	}
	x1 := link{}.sign(t, "ISRG Root X1", nil)
	rootYR := link{}.sign(t, "Root YR", nil)
	crossYR := x1.cross(t, rootYR)
	yr1 := rootYR.sign(t, "YR1", nil)
	rsa := yr1.sign(t, "client.ru", web)
	x2 := link{}.sign(t, "ISRG Root X2", nil)
	crossX2 := x1.cross(t, x2)
	rootYE := link{}.sign(t, "Root YE", nil)
	crossYE := x2.cross(t, rootYE)
	ye1 := rootYE.sign(t, "YE1", nil)
	ec := ye1.sign(t, "client.ru", web)
	ministry := link{}.sign(t, "Russian Trusted Root CA", nil)
	sub := ministry.sign(t, "Russian Trusted Sub CA", nil)
	hand := sub.sign(t, "client.ru", web)
	fake := link{}.sign(t, "(STAGING) Pretend Pear X1", nil).sign(t, "(STAGING) Ersatz Emmer YR1", nil)
	trial := fake.sign(t, "client.ru", web)
	chain := func(links ...link) []*x509.Certificate {
		var all []*x509.Certificate
		for _, l := range links {
			all = append(all, l.Certificate)
		}
		return all
	}
	for _, tt := range []struct {
		name  string
		chain []*x509.Certificate
		roots []*x509.Certificate // besides X1
		want  Distrust
		lacks gap
		file  Distrust // what the names in a file tell
	}{
		{"RSA, whole", chain(rsa, yr1, crossYR), nil, "", gap{}, ""},
		{"RSA, whole with its root", chain(rsa, yr1, crossYR, x1), nil, "", gap{}, ""},
		{"RSA, the second intermediate is missing", chain(rsa, yr1), nil, Incomplete, gap{"Root YR", "ISRG Root X1"}, Incomplete},
		{"and this host trusts the new root", chain(rsa, yr1), chain(rootYR), Incomplete, gap{"Root YR", "ISRG Root X1"}, Incomplete},
		{"whole, and this host trusts the new root", chain(rsa, yr1, crossYR), chain(rootYR), "", gap{}, ""},
		{"RSA, with the root instead of its cross-certificate", chain(rsa, yr1, rootYR), nil, Incomplete, gap{"Root YR", "ISRG Root X1"}, Incomplete},
		{"RSA, the first intermediate is missing", chain(rsa, crossYR), nil, Incomplete, gap{Missing: "YR1"}, Incomplete},
		{"RSA, nothing is sent along", chain(rsa), nil, Incomplete, gap{Missing: "YR1"}, Incomplete},
		{"EC, whole", chain(ec, ye1, crossYE, crossX2), nil, "", gap{}, ""},
		{"EC, up to a root that this host has", chain(ec, ye1, crossYE), chain(x2), "", gap{"ISRG Root X2", "ISRG Root X1"}, ""},
		{"EC, up to a root that this host lacks", chain(ec, ye1, crossYE), nil, Incomplete, gap{"ISRG Root X2", "ISRG Root X1"}, ""},
		{"EC, the second intermediate is missing", chain(ec, ye1), chain(x2, rootYE), Incomplete, gap{"Root YE", "ISRG Root X2"}, Incomplete},
		{"EC, the second is missing between others", chain(ec, ye1, crossX2), nil, Incomplete, gap{"Root YE", "ISRG Root X2"}, Incomplete},
		{"of the national CA", chain(hand, sub), nil, National, gap{}, National},
		{"of the national CA, without its intermediate", chain(hand), nil, National, gap{Missing: "Russian Trusted Sub CA"}, National},
		{"of the national CA, which this host trusts", chain(hand, sub), chain(ministry), National, gap{}, National},
		{"of a trial", chain(trial, fake), nil, Staging, gap{}, Staging},
		{"of a trial, without its intermediate", chain(trial), nil, Staging, gap{Missing: "(STAGING) Ersatz Emmer YR1"}, Staging},
		{"of a private CA's root", chain(link{}.sign(t, "Our root", nil).sign(t, "client.ru", web)), nil, Incomplete, gap{Missing: "Our root"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			roots := x509.NewCertPool()
			for _, r := range append(tt.roots, x1.Certificate) {
				roots.AddCert(r)
			}
			if got, err := distrust(tt.chain, roots, noon); got != tt.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
			if got := lacks(tt.chain); got != tt.lacks {
				t.Errorf("lacks %+v, want %+v", got, tt.lacks)
			}
			if got := distrustInFile(tt.chain); got != tt.file {
				t.Errorf("in a file: %q, want %q", got, tt.file)
			}
		})
	}
}

// Names that form a loop end the search for what is missing.
func TestLacksInALoop(t *testing.T) {
	a, b := link{}.sign(t, "A", nil), link{}.sign(t, "B", nil)
	loop := []*x509.Certificate{b.cross(t, a).Certificate, a.cross(t, b).Certificate}
	if got := lacks(loop); got.Signer != "" {
		t.Errorf("%+v", got)
	}
}

func TestRoots(t *testing.T) {
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(path, ca.RootPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	with, err := Roots(path)
	if err != nil {
		t.Fatal(err)
	}
	if without, err := Roots(""); err != nil || without.Equal(with) {
		t.Errorf("the file changes nothing: %v", err)
	}
	if _, err := Roots(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Roots(path); !errors.Is(err, ErrNoCertificate) {
		t.Errorf("a file with nothing in it: %v", err)
	}
}

// Of a long list of roots those are sent that another host does not have anyway.
func TestRootsBeyond(t *testing.T) {
	own := func(n int) (text []byte) {
		for range n {
			ca, err := internet.NewCA()
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, ca.RootPEM()...)
		}
		return text
	}
	one := own(1)
	if few, whole := RootsBeyond(one, len(one)); !whole || !bytes.Equal(few, one) {
		t.Errorf("a short list becomes %d bytes of %d, whole %v", len(few), len(one), whole)
	}
	if few, whole := RootsBeyond(own(3), 2*len(one)); whole || len(few) > 0 {
		t.Errorf("a long list of private CAs becomes %d bytes, whole %v", len(few), whole)
	}
	const list = "/etc/ssl/certs/ca-certificates.crt"
	all, err := os.ReadFile(list)
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal(err)
	case err != nil:
		t.Skip("SKIPPED: this host has no list of CAs at", list)
	}
	if few, whole := RootsBeyond(slices.Concat(all, one), 2*len(one)); !whole || !bytes.Equal(few, one) {
		t.Errorf("the list of this host and a private CA become %d bytes of %d, whole %v", len(few), len(one), whole)
	}
}

// Text from certificates is sanitized and shortened.
func TestForeignWords(t *testing.T) {
	evil := link{}.sign(t, "\x1b[31mroot\u202e", func(c *x509.Certificate) {
		c.Issuer = c.Subject
		for range 500 {
			c.DNSNames = append(c.DNSNames, strings.Repeat("a", 60)+".example")
		}
	})
	p := presented{chain: []*x509.Certificate{evil.Certificate}}
	j := judge{name: "client.ru", now: noon}
	if err := j.address(&p); err != nil {
		t.Fatal(err)
	}
	for _, f := range gather([]presented{p}) {
		names, _ := f.Args["names"].([]string)
		who, _ := f.Args["issuer"].(string)
		if len(names) != mostNames+1 || strings.ContainsAny(who+f.Detail, "\x1b\u202e") || len(f.Detail) > 2*checks.DetailLength {
			t.Errorf("%+v", f)
		}
	}
}

// No input from a server causes a panic.
func FuzzChain(f *testing.F) {
	ca, err := internet.NewCA()
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range []internet.Leaf{{Names: []string{"client.ru"}}, {Names: []string{"client.ru"}, SelfSigned: true}} {
		c, err := ca.Issue(l)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(c.Certificate[0], c.Certificate[len(c.Certificate)-1])
	}
	f.Fuzz(func(t *testing.T, leaf, issuer []byte) {
		p := presented{chain: parseAll([][]byte{leaf, issuer})}
		j := judge{name: "client.ru", rules: Rules{LifeLeft: 0.1}, now: time.Now(), trust: newVerified(ca.Roots())}
		if err := j.address(&p); (err == nil) != (len(p.chain) > 0) {
			t.Errorf("%d certificates, %v", len(p.chain), err)
		}
		for _, found := range gather([]presented{p}) {
			if strings.ContainsAny(found.Detail, "\x00\x1b\u202e") {
				t.Errorf("hostile: %q", found.Detail)
			}
		}
	})
}
