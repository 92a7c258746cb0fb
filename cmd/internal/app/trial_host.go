package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"domovoy/checks/cert"
	"domovoy/checks/dns"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// Bounds of what a host should have.
const (
	roomWanted = 256 << 20 // bytes free beside the state
	roomNeeded = 16 << 20  // less: the state cannot grow
	clockOff   = time.Minute

	filesNeeded = 16 // the state, its journal and the audit, and pictures of reports
)

// tryState looks whether the state can be kept. It does not open it: a newer program
// would change it.
func tryState(cfg *config.Config) []Trial {
	folder := filepath.Dir(cfg.State)
	args := i18n.Args{"Path": cfg.State, "Folder": folder, "User": me(), "Quoted": quoted(cfg.State), "QuotedFolder": quoted(folder)}
	if info, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		if to, failed := os.Readlink(folder); failed == nil && err != nil {
			args["To"] = to
			return []Trial{{Key: "state", Grade: Broken, Says: "state.link", Args: args}}
		}
		return nil // it can be made, or the configuration is refused already
	}
	if isOther(cfg.State) {
		return []Trial{{Key: "state", Grade: Broken, Says: "state.other", Cure: "state.other", Args: args}}
	}
	for _, path := range []string{folder, cfg.State, cfg.State + "-wal", cfg.State + ".audit"} {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := syscall.Access(path, accessWrite(path == folder)); err != nil {
			args["At"], args["Error"], args["Own"], args["Entered"] = path, err, OwnsFolder(cfg.State), path == folder
			cure := "state"
			if errors.Is(err, syscall.EROFS) {
				cure = "readonly"
			}
			if info, failed := os.Lstat(path); failed == nil {
				if owner, ok := info.Sys().(*syscall.Stat_t); ok {
					args["Owner"], args["Mode"] = userName(owner.Uid), info.Mode().Perm().String()
				}
			}
			return []Trial{{Key: "state", Grade: Broken, Says: "state", Cure: cure, Args: args}}
		}
	}
	var trials []Trial
	if info, err := os.Stat(cfg.State); err == nil && os.Geteuid() == 0 {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
			args["Owner"] = userName(owner.Uid)
			trials = append(trials, Trial{Key: "state", Grade: Lacking, Says: "root", Args: args})
		}
	}
	return append(trials, tryRoom(folder, args)...)
}

// OwnsFolder reports whether the folder of a state has nothing but what Domovoy puts
// there, as far as this user can see: only such a folder can be given away whole.
func OwnsFolder(state string) bool {
	entries, _ := os.ReadDir(filepath.Dir(state)) // of a closed one nothing is known
	return !slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() != "hub" && e.Name() != "reports" && !strings.HasPrefix(e.Name(), filepath.Base(state))
	})
}

// isOther reports whether there is a file that is no database of SQLite
// (https://sqlite.org/fileformat2.html#magic_header_string).
func isOther(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	n, err := io.ReadFull(f, head)
	return (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && n > 0 && string(head) != magic
}

// tryRoom looks whether the state can grow: bytes, and files beside it.
func tryRoom(folder string, args i18n.Args) []Trial {
	var disk syscall.Statfs_t
	if syscall.Statfs(folder, &disk) != nil || disk.Blocks == 0 {
		return nil
	}
	free := disk.Bavail * uint64(disk.Bsize)
	args["MB"], args["Files"] = int(free>>20), int(disk.Ffree)
	switch {
	case disk.Files > 0 && disk.Ffree < filesNeeded: // some file systems do not count them
		return []Trial{{Key: "state", Grade: Broken, Says: "inodes", Cure: "inodes", Args: args}}
	case free < roomNeeded:
		return []Trial{{Key: "state", Grade: Broken, Says: "disk", Cure: "disk", Args: args}}
	case free < roomWanted:
		return []Trial{{Key: "state", Grade: Lacking, Says: "disk", Cure: "disk", Args: args}}
	}
	return nil
}

// tryShare places a file where pages for customers go, and removes it.
func tryShare(c config.Share) []Trial {
	if c.Directory == "" {
		return nil
	}
	err := tryFolder(c.Directory)
	if err == nil {
		return nil
	}
	return []Trial{{Key: "share.directory", Grade: Lacking, Says: "share", Cure: "challenges",
		Args: i18n.Args{"Folder": c.Directory, "Error": err, "User": me(), "Quoted": quoted(c.Directory)}}}
}

// accessWrite is W_OK of access(2), with X_OK for a folder.
func accessWrite(folder bool) uint32 {
	if folder {
		return 3
	}
	return 2
}

// tryResolvers asks each name server for the servers of the root, which every one
// knows.
func (a *App) tryResolvers(ctx context.Context) (trials []Trial) {
	for i, server := range a.cfg.Resolvers {
		if err := tryResolver(ctx, server); err != nil {
			trials = append(trials, Trial{Key: fmt.Sprintf("resolvers[%d]", i), Grade: Lacking, Says: "resolver", Cure: "resolver",
				Args: i18n.Args{"Server": server, "Error": short(err), "System": a.cfg.UsesSystemResolvers()}})
		}
	}
	return trials
}

const typeNS = 2 // RFC 1035, section 3.2.2

func tryResolver(ctx context.Context, server netip.AddrPort) error {
	resolver, err := dns.Open(dns.Options{Servers: []netip.AddrPort{server}})
	if err != nil {
		return err
	}
	answer, err := resolver.Ask(ctx, dns.Query{Name: ".", Type: typeNS})
	if err == nil && answer.Rcode != 0 {
		err = fmt.Errorf("rcode %d", answer.Rcode)
	}
	return errors.Join(err, resolver.Close())
}

// tryCAs asks each CA for its directory in the way that the panel goes, and compares
// the clocks.
func (a *App) tryCAs(ctx context.Context) (trials []Trial) {
	if len(a.cfg.Resolvers) == 0 { // nothing is to be asked outside
		return nil
	}
	seen := map[string]bool{}
	for i, p := range a.cfg.Panels {
		proxy := p.ACME.Proxy
		id := p.ACME.Directory + "\n" + proxy.Reveal() + "\n" + p.ACME.CAFile
		if p.ACME.Directory == "" || proxy.IsSet() && proxy.Reveal() == "" || seen[id] {
			continue
		}
		seen[id] = true
		trials = append(trials, tryCA(ctx, fmt.Sprintf("panels[%d].acme.directory", i), p)...)
	}
	return trials
}

func tryCA(ctx context.Context, key string, p config.Panel) []Trial {
	args := i18n.Args{"Directory": p.ACME.Directory, "Panel": p.Name, "Proxy": p.ACME.Proxy.IsSet()}
	roots, err := cert.Roots(p.ACME.CAFile)
	if err != nil {
		args["Error"], args["Path"] = reason(err), p.ACME.CAFile
		return []Trial{{Key: key, Grade: Broken, Says: "ca.file", Args: args}}
	}
	client, err := toCA(p.ACME.Proxy.Reveal(), roots)
	if err != nil {
		args["Error"] = err
		return []Trial{{Key: key, Grade: Broken, Says: "ca", Args: args}}
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.ACME.Directory, nil)
	if err != nil {
		args["Error"] = err
		return []Trial{{Key: key, Grade: Broken, Says: "ca", Args: args}}
	}
	request.Header.Set("User-Agent", userAgent)
	before := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		args["Error"] = short(err)
		cure := "ca"
		if isForeign(err) {
			cure = "ca.tls"
		}
		return []Trial{{Key: key, Grade: Unknown, Says: "ca", Cure: cure, Args: args}}
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		args["Error"] = answer.Status
		return []Trial{{Key: key, Grade: Unknown, Says: "ca", Cure: "ca", Args: args}}
	}
	theirs, err := http.ParseTime(answer.Header.Get("Date"))
	if off := before.Sub(theirs); err == nil && off.Abs() > clockOff {
		return []Trial{{Grade: Lacking, Says: "clock", Cure: "clock", Args: i18n.Args{"Ahead": off > 0, "Off": off.Abs().Round(time.Second)}}}
	}
	return nil
}

// tryRegistries connects with each server that the configuration names for questions
// about registrations.
func (a *App) tryRegistries(ctx context.Context) (trials []Trial) {
	if len(a.cfg.Resolvers) == 0 { // nothing is to be asked outside
		return nil
	}
	if base := a.cfg.Lookups.RDAP; base != "" {
		if err := tryRDAP(ctx, base); err != nil {
			trials = append(trials, registryTrial("lookups.rdap", base, "443", err))
		}
	}
	for _, suffix := range slices.Sorted(maps.Keys(a.cfg.Lookups.Whois)) {
		server := a.cfg.Lookups.Whois[suffix]
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
		if err != nil {
			trials = append(trials, registryTrial("lookups.whois."+suffix, server, "43", err))
			continue
		}
		_ = conn.Close() // a question would count
	}
	return trials
}

// tryRDAP asks an RDAP server for its help, which each has (RFC 9082 section 3.1.6).
// Whatever it answers, it is there.
func tryRDAP(ctx context.Context, base string) error {
	client, err := toCA("", nil)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/help", nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", userAgent)
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func registryTrial(key, server, port string, err error) Trial {
	if u, bad := url.Parse(server); bad == nil && u.Host != "" {
		port = cmp.Or(u.Port(), map[string]string{"http": "80"}[u.Scheme], port)
	} else if _, named, bad := net.SplitHostPort(server); bad == nil {
		port = named
	}
	t := Trial{Key: key, Grade: Lacking, Says: "registry", Cure: "registry", Args: i18n.Args{"Server": server, "Error": short(err), "Key": key, "Port": port}}
	if isForeign(err) {
		t.Cure = "registry.tls"
	}
	return t
}

// isForeign reports whether a certificate was not accepted: it has expired, is for
// another name, or is by a CA that this host does not know, as that of a proxy which
// reads along.
func isForeign(err error) bool {
	_, is := errors.AsType[*tls.CertificateVerificationError](err)
	return is
}

// short is an error of the network without the addresses, which the text has.
func short(err error) error {
	if failed, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return failed.Err
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return failed.Err
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}
