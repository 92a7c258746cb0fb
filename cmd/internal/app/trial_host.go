package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
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
)

// tryState looks whether the state can be kept. It does not open it: a newer program
// would change it.
func tryState(cfg *config.Config) []Trial {
	folder := filepath.Dir(cfg.State)
	args := i18n.Args{"Path": cfg.State, "Folder": folder, "User": me(), "Quoted": quoted(cfg.State), "QuotedFolder": quoted(folder)}
	if info, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil // it can be made, or the configuration is refused already
	}
	for _, path := range []string{folder, cfg.State, cfg.State + "-wal", cfg.State + ".audit"} {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := syscall.Access(path, accessWrite(path == folder)); err != nil {
			args["At"], args["Error"] = path, err
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
	var disk syscall.Statfs_t
	if syscall.Statfs(folder, &disk) == nil && disk.Blocks > 0 {
		free := disk.Bavail * uint64(disk.Bsize)
		args["MB"] = int(free >> 20)
		if free < roomNeeded {
			trials = append(trials, Trial{Key: "state", Grade: Broken, Says: "disk", Args: args})
		} else if free < roomWanted {
			trials = append(trials, Trial{Key: "state", Grade: Lacking, Says: "disk", Args: args})
		}
	}
	return trials
}

// accessWrite is W_OK of access(2), with X_OK for a folder.
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
	request.Header.Set("User-Agent", agent)
	before := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		args["Error"] = short(err)
		return []Trial{{Key: key, Grade: Unknown, Says: "ca", Cure: "ca", Args: args}}
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

// short is an error of the network without the addresses, which the text has.
func short(err error) error {
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return failed.Err
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}
