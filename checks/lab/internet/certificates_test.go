package internet_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"domovoy/checks/lab/internet"
)

func TestCertificates(t *testing.T) {
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"client.ru", "www.client.ru"}
	now := time.Now()
	issue := func(l internet.Leaf) *tls.Certificate {
		c, err := ca.Issue(l)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	right := issue(internet.Leaf{Names: names})
	for _, tt := range []struct {
		name        string
		certificate *tls.Certificate
		want        string // part of the error; "" if there is none
	}{
		{"right", right, ""},
		{"RSA", issue(internet.Leaf{Names: names, RSA: true}), ""},
		{"without chain", internet.WithoutChain(right), "unknown authority"},
		{"expired", issue(internet.Leaf{Names: names, NotBefore: now.AddDate(0, 0, -91)}), "expired"},
		{"other names", issue(internet.Leaf{Names: []string{"other.ru"}}), "not www.client.ru"},
		{"self-signed", issue(internet.Leaf{Names: names, SelfSigned: true}), "unknown authority"},
	} {
		if err := verify(ca, tt.certificate); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	key, err := internet.KeyPEM(right)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair(internet.ChainPEM(right, false), key); err != nil {
		t.Errorf("a right pair: %v", err)
	}
	if _, err := tls.X509KeyPair(internet.ChainPEM(right, true), key); err == nil {
		t.Error("a bundle with the leaf last fits")
	}
}

func verify(ca *internet.CA, c *tls.Certificate) error {
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return err
	}
	intermediates := x509.NewCertPool()
	for _, der := range c.Certificate[1:] {
		intermediate, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		intermediates.AddCert(intermediate)
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: "www.client.ru", Roots: ca.Roots(), Intermediates: intermediates})
	return err
}
