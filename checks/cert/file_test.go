package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{key: key(t)}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "E7"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: noon.Add(-900 * day), NotAfter: noon.Add(900 * day)}
	return a
}

func key(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// issue makes a certificate of 90 days in PEM; without a CA it is self-signed.
func (a authority) issue(t *testing.T, name string, from time.Time) []byte {
	t.Helper()
	own := key(t)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: from.Add(90 * day)}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = leaf, own
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, &own.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// folder is a panel's folder of certificates.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder {
	f := folder{t, filepath.Join(t.TempDir(), "httpd-cert")}
	f.must(os.MkdirAll(filepath.Join(f.dir, "u1"), 0o755))
	return f
}

func (f folder) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f folder) put(name string, data []byte, modified time.Time) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	f.must(os.WriteFile(path, data, 0o644))
	f.must(os.Chtimes(path, modified, modified))
}

// one reads the certificate of one site.
func (f folder) one(files *Files, owner, name string) Result {
	f.t.Helper()
	results, err := files.Read([]checks.Site{{ID: 7, Owner: owner, Certificate: name}})
	f.must(err)
	return results[7]
}

func TestRead(t *testing.T) {
	f, ca := newFolder(t), newAuthority(t)
	leaf, chain := ca.issue(t, "shop.ru", noon), authority{}.issue(t, "self", noon.Add(-day))
	f.put("u1/shop.ru_le1.crt", append(leaf, chain...), noon)
	f.put("u1/self.crt", chain, noon)
	f.put("u1/keyfirst.crt", append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), leaf...), noon)

	r := f.one(NewFiles(f.dir), "u1", "shop.ru_le1")
	want := checks.CertificateFile{Path: "u1/shop.ru_le1.crt", NotBefore: noon, NotAfter: noon.Add(90 * day), Issuer: "E7"}
	if r.Err != nil || r.File != want {
		t.Errorf("%+v, %v; want the leaf, which comes first: %+v", r.File, r.Err, want)
	}
	if r := f.one(NewFiles(f.dir), "u1", "self"); r.Err != nil || !r.File.SelfSigned {
		t.Errorf("%+v, %v; want it self-signed", r.File, r.Err)
	}
	if r := f.one(NewFiles(f.dir), "u1", "keyfirst"); r.Err != nil || r.File.Issuer != "E7" {
		t.Errorf("%+v, %v; want the certificate behind the key", r.File, r.Err)
	}
	results, err := NewFiles(f.dir).Read([]checks.Site{{ID: 1, Owner: "u1"}})
	if err != nil || len(results) != 0 {
		t.Errorf("a site without a certificate: %v, %v", results, err)
	}
}

// Names come from a panel's database, which may contain anything.
func TestReadStaysInside(t *testing.T) {
	f, ca := newFolder(t), newAuthority(t)
	secret := filepath.Join(filepath.Dir(f.dir), "secret.crt")
	f.must(os.WriteFile(secret, ca.issue(t, "secret", noon), 0o644))
	f.must(os.Symlink(secret, filepath.Join(f.dir, "u1", "link.crt")))
	f.must(os.Symlink("../../secret.crt", filepath.Join(f.dir, "u1", "dots.crt")))
	f.put("u1/real.crt", ca.issue(t, "shop.ru", noon), noon)
	f.must(os.Symlink("real.crt", filepath.Join(f.dir, "u1", "inside.crt")))

	for _, x := range [][2]string{{"u1", "../../secret"}, {"..", "secret"}, {"u1", "link"}, {"u1", "dots"}, {"/", "secret"}, {"u1", "a\x00b"}} {
		r := f.one(NewFiles(f.dir), x[0], x[1])
		if r.Err == nil {
			t.Errorf("%q of %q was read: %+v", x[1], x[0], r.File)
		}
	}
	for _, x := range [][2]string{{"u1", "../../secret"}, {"..", "secret"}, {"u1", "link"}} {
		if r := f.one(NewFiles(f.dir), x[0], x[1]); absent(r.Err) {
			t.Errorf("%q of %q: %v; what may not be looked at is not gone", x[1], x[0], r.Err)
		}
	}
	if r := f.one(NewFiles(f.dir), "u1", "inside"); r.Err != nil {
		t.Errorf("a link within the folder: %v", r.Err)
	}
}

func TestReadFaults(t *testing.T) {
	f := newFolder(t)
	f.put("u1/empty.crt", nil, noon)
	f.put("u1/words.crt", []byte("no certificate"), noon)
	f.put("u1/broken.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), noon)
	f.must(os.MkdirAll(filepath.Join(f.dir, "u1", "folder.crt"), 0o755))
	for _, tt := range []struct {
		name    string
		missing bool
		is      error
	}{
		{"gone", true, os.ErrNotExist}, {"empty", false, ErrNoCertificate}, {"words", false, ErrNoCertificate}, {"broken", false, nil}, {"folder", false, nil},
	} {
		r := f.one(NewFiles(f.dir), "u1", tt.name)
		if r.Err == nil || absent(r.Err) != tt.missing || tt.is != nil && !errors.Is(r.Err, tt.is) {
			t.Errorf("%s: %v, missing %t", tt.name, r.Err, absent(r.Err))
		}
	}
	if r := f.one(NewFiles(f.dir), "nobody", "shop.ru_le1"); !absent(r.Err) {
		t.Errorf("an owner without a folder: %v", r.Err)
	}
}

// A folder that cannot be opened says nothing about any certificate.
func TestReadFolder(t *testing.T) {
	f := newFolder(t)
	f.put("plain", nil, noon)
	for _, dir := range []string{filepath.Join(f.dir, "nowhere"), filepath.Join(f.dir, "plain")} {
		if results, err := NewFiles(dir).Read([]checks.Site{{ID: 1, Owner: "u1", Certificate: "x"}}); err == nil {
			t.Errorf("%s: %v", dir, results)
		}
	}
	if os.Geteuid() == 0 {
		t.Log("root may open everything: a folder without rights is not tried")
		return
	}
	f.must(os.Chmod(f.dir, 0))
	defer os.Chmod(f.dir, 0o755)
	if results, err := NewFiles(f.dir).Read([]checks.Site{{ID: 1, Owner: "u1", Certificate: "x"}}); err == nil && !errors.Is(results[1].Err, os.ErrPermission) {
		t.Errorf("%v", results)
	}
}

// A file is read when it is new or changed, and not again without a reason.
func TestReadAgain(t *testing.T) {
	f, ca := newFolder(t), newAuthority(t)
	files := NewFiles(f.dir)
	first := ca.issue(t, "shop.ru", noon)
	f.put("u1/a.crt", first, noon)
	step := func(name string, fresh bool, from time.Time) {
		t.Helper()
		r := f.one(files, "u1", "a")
		if r.Err != nil || r.Fresh != fresh || !r.File.NotBefore.Equal(from) {
			t.Errorf("%s: fresh %t, from %s, %v", name, r.Fresh, r.File.NotBefore, r.Err)
		}
	}
	step("new", true, noon)
	step("unchanged", false, noon)
	f.put("u1/a.crt", ca.issue(t, "shop.ru", noon.Add(day)), noon.Add(time.Minute))
	step("replaced", true, noon.Add(day))
	step("unchanged", false, noon.Add(day))
	f.must(os.Remove(filepath.Join(f.dir, "u1", "a.crt")))
	if r := f.one(files, "u1", "a"); !absent(r.Err) || r.Fresh {
		t.Errorf("gone: %+v", r)
	}
	f.put("u1/a.crt", first, noon)
	step("back", true, noon)
	if _, err := files.Read(nil); err != nil {
		t.Fatal(err)
	}
	step("forgotten meanwhile", true, noon)
}

// The bundle beside a certificate is what the web server sends. It is read
// again until it is right.
func TestReadBundle(t *testing.T) {
	f := newFolder(t)
	web := func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }
	x1, root := link{}.sign(t, "ISRG Root X1", nil), link{}.sign(t, "Root YR", nil)
	cross, yr1 := x1.cross(t, root), root.sign(t, "YR1", nil)
	leaf, other := yr1.sign(t, "shop.ru", web), yr1.sign(t, "shop.ru", web)
	text := func(links ...link) []byte {
		var all []byte
		for _, l := range links {
			all = append(all, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.Raw})...)
		}
		return all
	}
	short := checks.Chain{Distrust: string(Incomplete), Missing: "Root YR", Signer: "ISRG Root X1"}
	files := NewFiles(f.dir)
	f.put("u1/a.crt", text(leaf), noon)
	for _, tt := range []struct {
		name   string
		bundle []byte
		want   checks.Chain
	}{
		{"of the previous certificate", text(other, yr1), checks.Chain{}},
		{"without the second intermediate", text(leaf, yr1), short},
		{"still", nil, short},
		{"whole", text(leaf, yr1, cross), checks.Chain{}},
		{"not read again", text(leaf, yr1), checks.Chain{}},
	} {
		if tt.bundle != nil {
			f.put("u1/a.crtca", tt.bundle, noon)
		}
		if r := f.one(files, "u1", "a"); r.Err != nil || r.File.Chain != tt.want {
			t.Errorf("%s: %+v, %v; want %+v", tt.name, r.File.Chain, r.Err, tt.want)
		}
	}
	f.put("u1/a.crt", text(leaf), noon.Add(time.Minute))
	if r := f.one(files, "u1", "a"); !r.Fresh || r.File.Chain != short {
		t.Errorf("the certificate was written again: %+v", r)
	}
	f.put("u1/b.crt", text(leaf), noon)
	if r := f.one(files, "u1", "b"); r.Err != nil || r.File.Chain != (checks.Chain{}) {
		t.Errorf("no bundle: %+v", r)
	}
}

func TestStem(t *testing.T) {
	for name, want := range map[string]string{
		"example.com_le1": "example.com", "example.com_le27": "example.com", "Example.com_LE3": "Example.com",
		"example.com": "example.com", "example.com_le": "example.com_le", "_le1": "_le1", "example_lesson": "example_lesson",
		"example.com_le1x": "example.com_le1x", "a_le1_le2": "a_le1", "": "",
	} {
		if got := Stem(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// A customer's own certificate may contain any names.
func TestReadForeignWords(t *testing.T) {
	f := newFolder(t)
	f.put("u1/shop.ru.crt", authority{}.issue(t, "evil\u202egpj\x1b[31m\n"+strings.Repeat("x", 500), noon), noon)
	r := f.one(NewFiles(f.dir), "u1", "shop.ru")
	if r.Err != nil || strings.ContainsAny(r.File.Issuer, "\u202e\x1b\n") || len(r.File.Issuer) > checks.WordLength+4 {
		t.Errorf("%+q, error %v", r.File.Issuer, r.Err)
	}
}
