package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"domovoy/checks/budget"
	"domovoy/checks/lab"
	"domovoy/checks/lab/boulder"
	"domovoy/cmd/internal/config"
)

// authority is a CA in this process with the behaviour and the limits of Let's
// Encrypt. An account has some pending authorizations there.
type authority struct {
	config.ACME
	ca     *boulder.CA
	limits string // path of the file with its limits
}

// pending is the number of names with pending authorizations, two for each name.
const pending = 7

// newAuthority starts the CA. It writes the files of the panel's ACME client into
// a folder: the key of its account, its log, and the roots of this CA and of the
// sample's certificates.
func newAuthority(dir string, sample *lab.Sample) (a authority, err error) {
	if a.ca, err = boulder.Start(boulder.Options{}); err != nil {
		return a, fmt.Errorf("starting the CA: %w", err)
	}
	defer func() {
		if err != nil {
			a.ca.Close()
		}
	}()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return a, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return a, err
	}
	there, err := url.Parse(a.ca.Directory())
	if err != nil {
		return a, err
	}
	var log strings.Builder
	names := sample.GivenUp()
	for _, u := range a.ca.Populate(a.ca.Register(key.Public()).ID, names[:min(pending, len(names))], 2, boulder.Pending) {
		fmt.Fprintf(&log, "[%s] _authz_url='%s'\n", time.Now().Format(time.UnixDate), u)
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	a.limits = file("limits.yaml")
	for name, text := range map[string]string{
		"account.key": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
		"root.pem":    string(slices.Concat(a.ca.RootPEM(), sample.Certificates.Root())),
		"acme.log":    log.String(),
		"limits.yaml": strings.ReplaceAll(budget.Text(), "acme-v02.api.letsencrypt.org", there.Hostname()),
	} {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			return a, err
		}
	}
	a.ACME = config.Default[config.ACME]()
	a.Directory, a.CAFile, a.AccountKeyFile, a.Logs = a.ca.Directory(), file("root.pem"), file("account.key"), []string{file("acme.log")}
	return a, nil
}
