package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// maxStateFile bounds a client's file beside the key, in bytes.
const maxStateFile = 64 << 10

// findKID chooses the account's URL: the one given, the one that the ACME
// client noted beside the key, or what the CA says of the key. A noted one of
// another CA is passed over, for a key may have been taken along from the
// staging environment.
func (c *Client) findKID(ctx context.Context, given string) (string, error) {
	if given != "" {
		if !c.Belongs(given) {
			return "", fmt.Errorf("%s: %w", given, ErrOtherHost)
		}
		return given, nil
	}
	noted := storedKID(c.key.path)
	if noted != "" && c.Belongs(noted) {
		return noted, nil
	}
	kid, err := c.askKID(ctx)
	if err != nil && noted != "" {
		return "", fmt.Errorf("the ACME client noted %s beside the key: %w", noted, err)
	}
	return kid, err
}

// askKID asks the CA for the key's account, and makes none (RFC 8555 section
// 7.3.1).
func (c *Client) askKID(ctx context.Context) (string, error) {
	a, err := c.signed(ctx, c.directory.NewAccount, payload(map[string]bool{"onlyReturnExisting": true}), "")
	if err != nil {
		return "", err
	}
	kid := a.header.Get("Location")
	if a.status != http.StatusOK || !c.Belongs(kid) {
		return "", a.problem()
	}
	return kid, nil
}

// Noted is the account's URL as the ACME client keeps it beside the key, if
// it is of the CA with that directory; empty: it is not noted there, or of
// another CA. The key is not read, and nobody is asked.
func Noted(keyFile, directory string) string {
	noted := storedKID(keyFile)
	ours, err := url.Parse(directory)
	theirs, bad := url.Parse(noted)
	if keyFile == "" || err != nil || bad != nil || noted == "" || !strings.EqualFold(ours.Host, theirs.Host) {
		return ""
	}
	return noted
}

// accountURL is the line of acme.sh's ca.conf.
var accountURL = regexp.MustCompile(`(?m)^ACCOUNT_URL=['"]?([^'"\s]+)`)

// storedKID reads the account's URL from the files that certbot (regr.json),
// acme.sh (ca.conf) and lego (account.json, beside the key or a folder above)
// keep. A file that is not there or cannot be read is passed over: the CA
// knows, too.
func storedKID(keyFile string) string {
	folder := filepath.Dir(keyFile)
	if data, err := readState(filepath.Join(folder, "regr.json")); err == nil {
		var certbot struct {
			URI string `json:"uri"`
		}
		if json.Unmarshal(data, &certbot) == nil && certbot.URI != "" {
			return certbot.URI
		}
	}
	if data, err := readState(filepath.Join(folder, "ca.conf")); err == nil {
		if found := accountURL.FindSubmatch(data); found != nil {
			return string(found[1])
		}
	}
	for _, place := range []string{folder, filepath.Dir(folder)} {
		data, err := readState(filepath.Join(place, "account.json"))
		if err != nil {
			continue
		}
		var lego struct {
			Registration struct {
				URI        string `json:"uri"`        // version 4
				AccountURL string `json:"accountURL"` // version 5
			} `json:"registration"`
		}
		if json.Unmarshal(data, &lego) == nil && lego.Registration.AccountURL+lego.Registration.URI != "" {
			return lego.Registration.AccountURL + lego.Registration.URI // never both
		}
	}
	return ""
}

// readState reads a small regular file.
func readState(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errors.New("not a regular file"), err)
	}
	return io.ReadAll(io.LimitReader(file, maxStateFile))
}
