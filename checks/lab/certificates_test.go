package lab_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"domovoy/checks/lab"

	"github.com/google/go-cmp/cmp"
)

func TestCertificateFiles(t *testing.T) {
	tests := []struct {
		kind      lab.Kind
		files     []string
		parses    bool // .crt contains a certificate
		verifies  bool // .crtca is a chain to the root
		keyFitsIt bool
	}{
		{lab.Issued, []string{"a_le1.crt", "a_le1.crtca", "a_le1.key"}, true, true, true},
		{lab.SelfSigned, []string{"a_le1.crt", "a_le1.key"}, true, false, true},
		{lab.Mismatched, []string{"a_le1.crt", "a_le1.crtca", "a_le1.key"}, true, true, false},
		{lab.Truncated, []string{"a_le1.crt", "a_le1.crtca", "a_le1.key"}, false, false, false},
		{lab.Garbage, []string{"a_le1.crt", "a_le1.crtca", "a_le1.key"}, false, false, false},
		{lab.Missing, nil, false, false, false},
	}
	certificates := must[*lab.Certificates](t)(lab.NewCertificates(t.TempDir()))
	for _, test := range tests {
		t.Run(string(test.kind), func(t *testing.T) {
			file := lab.File{Owner: "client17", Name: "a_le1", Names: []string{"a.example", "www.a.example"},
				NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour), Kind: test.kind}
			check(t, certificates.Write(file)) // replaces the previous kind
			folder := filepath.Join(certificates.Dir(), "client17")
			if diff := cmp.Diff(test.files, list(t, folder)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			base := filepath.Join(folder, "a_le1")
			leaf := parse(base + ".crt")
			if got := leaf != nil; got != test.parses {
				t.Fatalf("the certificate parses: %v", got)
			}
			if _, err := tls.LoadX509KeyPair(base+".crt", base+".key"); (err == nil) != test.keyFitsIt {
				t.Errorf("certificate and key: %v", err)
			}
			if leaf == nil {
				return
			}
			if !leaf.NotBefore.Equal(file.NotBefore) || !leaf.NotAfter.Equal(file.NotAfter) || !cmp.Equal(leaf.DNSNames, file.Names) {
				t.Errorf("certificate for %v from %v to %v", leaf.DNSNames, leaf.NotBefore, leaf.NotAfter)
			}
			if err := verify(leaf, base+".crtca", certificates.Root()); (err == nil) != test.verifies {
				t.Errorf("verifying: %v", err)
			}
		})
	}
}

func list(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	for _, entry := range must[[]os.DirEntry](t)(os.ReadDir(folder)) {
		names = append(names, entry.Name())
	}
	return names
}

// parse returns nil if the file contains no certificate.
func parse(path string) *x509.Certificate {
	text, _ := os.ReadFile(path)
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return leaf
}

func verify(leaf *x509.Certificate, bundle string, root []byte) error {
	roots, chain := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	text, _ := os.ReadFile(bundle)
	chain.AppendCertsFromPEM(text)
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: "www.a.example", Roots: roots, Intermediates: chain, CurrentTime: noon})
	return err
}
