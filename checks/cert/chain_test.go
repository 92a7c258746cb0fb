package cert

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
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
		j := judge{name: "client.ru", rules: Rules{LifeLeft: 0.1}, now: time.Now(), roots: ca.Roots()}
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
