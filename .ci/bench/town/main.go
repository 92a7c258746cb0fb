// Command town is what a sweep meets on loopback: web servers that answer 404 to
// every path and have a certificate of its own for each site, signed by an
// intermediate; a CA's directory; and a registry that has none of the domains it
// is asked about. It runs until its standard input ends:
//
//	town [-delay TIME] ROOT.PEM HTTP HTTPS WHOIS ADDRESS...
//
// HTTP, HTTPS and WHOIS are ports on the addresses. The certificate of siteN is
// that of wwwN, too. With -delay every answer and every handshake takes so long.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal("town: ", err)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("town", flag.ContinueOnError)
	delay := flags.Duration("delay", 0, "of every answer and every handshake")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if args = flags.Args(); len(args) < 5 {
		return errors.New("usage: town [-delay TIME] ROOT.PEM HTTP HTTPS WHOIS ADDRESS...")
	}
	ca, err := newAuthority(args[0])
	if err != nil {
		return err
	}
	ca.delay = *delay
	for _, address := range args[4:] {
		if err := open(ca, address, args[1], args[2], args[3]); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// open serves on an address.
func open(ca *authority, address, plain, secure, whois string) error {
	api := "https://" + net.JoinHostPort(address, secure)
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // handshakes are ended on purpose
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: ca.certificate},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.TLS == nil { // else the handshake took it
				time.Sleep(ca.delay)
			}
			if r.URL.Path != "/directory" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"newNonce":"%[1]s/nonce","newAccount":"%[1]s/account","newOrder":"%[1]s/order"}`, api)
		}),
	}
	for _, port := range []string{plain, secure, whois} {
		l, err := net.Listen("tcp", net.JoinHostPort(address, port))
		if err != nil {
			return err
		}
		switch port {
		case plain:
			go func() { log.Fatal(server.Serve(l)) }()
		case secure:
			go func() { log.Fatal(server.ServeTLS(l, "", "")) }()
		default:
			go registry(l)
		}
	}
	return nil
}

// registry answers every question with the words of the registry of .ru for a
// domain that is free.
func registry(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			if _, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
				_, _ = io.WriteString(conn, "% TCI Whois Service.\r\n\r\nNo entries found for the selected source(s).\r\n\r\nLast updated on 2026-11-29T00:00:00Z\r\n")
			}
		}()
	}
}

// authority is a CA that makes the certificate of a site when it is first asked
// for.
type authority struct {
	key          *ecdsa.PrivateKey // of the intermediate, and of every site
	intermediate *x509.Certificate
	delay        time.Duration // of every handshake

	mu     sync.Mutex
	issued map[string]*tls.Certificate
}

// newAuthority makes a CA and writes its root to a file.
func newAuthority(file string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root, err := sign(authorityTemplate("Benchmark root"), nil, key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), 0o600); err != nil {
		return nil, err
	}
	between, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := authorityTemplate("Benchmark intermediate")
	template.PublicKey = &between.PublicKey
	intermediate, err := sign(template, root, key)
	return &authority{key: between, intermediate: intermediate, issued: map[string]*tls.Certificate{}}, err
}

func authorityTemplate(name string) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
}

// sign signs a template; without a parent by itself.
func sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	if parent == nil {
		parent = template
	}
	if template.PublicKey == nil {
		template.PublicKey = &key.PublicKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, template.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// certificate returns that of a site; without a name that of the CA's API.
func (a *authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	time.Sleep(a.delay)
	site := strings.TrimPrefix(strings.TrimPrefix(hello.ServerName, "www"), "site")
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.issued[site]; c != nil {
		return c, nil
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(int64(len(a.issued) + 2)), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 89),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if site == "" {
		template.IPAddresses = []net.IP{hello.Conn.LocalAddr().(*net.TCPAddr).IP}
	} else {
		template.DNSNames = []string{"site" + site, "www" + site}
		template.Subject.CommonName = template.DNSNames[0]
	}
	leaf, err := sign(template, a.intermediate, a.key)
	if err != nil {
		return nil, err
	}
	a.issued[site] = &tls.Certificate{Certificate: [][]byte{leaf.Raw, a.intermediate.Raw}, PrivateKey: a.key}
	return a.issued[site], nil
}
