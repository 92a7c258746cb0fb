package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"domovoy/bot/cancel"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/checks/ispmanager"
	"domovoy/checks/ispmanager/location"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// tryPanel reads a panel once, with its certificates and logs.
func tryPanel(ctx context.Context, i int, p config.Panel) []Trial {
	key := func(name string) string { return fmt.Sprintf("panels[%d].%s", i, name) }
	trials, sites := tryDatabase(ctx, key("database"), p)
	if p.Certificates != "" {
		if t := tryCertificates(key("certificates"), p, sites); t.Grade != Fine || sites != nil { // of no site there is nothing to say
			trials = append(trials, t)
		}
	}
	for n, pattern := range p.ACME.Logs {
		if p.ACME.AccountKeyFile == "" { // nothing will be cancelled
			break
		}
		trials = append(trials, tryFiles(fmt.Sprintf("%s[%d]", key("acme.logs"), n), "acmelog", pattern)...)
	}
	for n, pattern := range p.AccessLogs {
		trials = append(trials, tryFiles(fmt.Sprintf("%s[%d]", key("access_logs"), n), "accesslog", pattern)...)
	}
	for n, pattern := range p.Vhosts {
		trials = append(trials, tryFiles(fmt.Sprintf("%s[%d]", key("vhosts"), n), "vhosts", pattern)...)
	}
	if p.Challenges != "" {
		if err := tryFolder(p.Challenges); err != nil {
			trials = append(trials, Trial{Key: key("challenges"), Grade: Lacking, Says: "challenges", Cure: "challenges",
				Args: i18n.Args{"Folder": p.Challenges, "Error": err, "User": me(), "Quoted": quoted(p.Challenges)}})
		}
	}
	if p.ACME.AccountKeyFile != "" {
		trials = append(trials, tryKey(key("acme.account_key_file"), p)...)
	}
	return trials
}

// tryDatabase reads the panel's sites; nil if it cannot.
func tryDatabase(ctx context.Context, key string, p config.Panel) ([]Trial, []checks.Site) {
	reader := ispmanager.New(ispmanager.Config{Name: p.Name, Database: p.Database, Conf: p.DBConf, Password: p.Password.Reveal, Zone: p.Timezone, SitesEvery: sitesEvery})
	defer reader.Close()
	snapshot, _, err := reader.Poll(ctx)
	if failed, ok := errors.AsType[*ispmanager.Error](err); ok {
		return []Trial{unread(key, p, failed)}, nil
	}
	if err != nil { // the end of the context
		return []Trial{{Key: key, Grade: Unknown, Says: "panel.slow", Args: i18n.Args{"Panel": p.Name}}}, nil
	}
	args := i18n.Args{"Panel": p.Name, "Sites": len(snapshot.Sites), "Certificates": len(snapshot.Certificates)}
	trials := []Trial{{Key: key, Says: "panel", Args: args}}
	if len(snapshot.Sites) == 0 {
		trials[0].Grade, trials[0].Says = Lacking, "panel.empty"
	}
	var missing []string
	lacking := Trial{Key: key, Grade: Lacking, Says: "panel.missing"}
	for _, m := range snapshot.Missing {
		missing = append(missing, m.String())
		if m.Hidden {
			lacking.Cure = "grant"
		}
	}
	if len(missing) > 0 {
		lacking.Args = i18n.Args{"What": missing}
		trials = append(trials, lacking)
	}
	return trials, snapshot.Sites
}

// unread is the trial of a panel that cannot be read. What passes by itself says
// nothing of the configuration.
func unread(key string, p config.Panel, err *ispmanager.Error) Trial {
	t := Trial{Key: key, Grade: Broken, Says: "panel.unread", Args: i18n.Args{"Panel": p.Name, "Reason": err.Why(), "Path": err.Path, "Detail": err.Detail, "User": me()}}
	switch err.Reason {
	case ispmanager.Permission, ispmanager.ConfDenied:
		if b, closes := barrierTo(err.Path); closes && !b.missing {
			return closed(key, Broken, err.Path, b)
		}
		at, _ := location.Parse(err.Path)
		if b, closes := barrierTo(at.Server.Socket); closes && !b.missing && at.Server.Socket != "" {
			return closed(key, Broken, at.Server.Socket, b)
		}
		if at.Server.Name != "" && !errors.Is(err.Err, fs.ErrPermission) { // else it is the socket's
			t.Args["Reason"], t.Cure = "rights", "grant"
		}
	case ispmanager.Gone, ispmanager.Conf, ispmanager.Directory, ispmanager.Empty, ispmanager.NotDatabase, ispmanager.Shape:
		t.Cure = "database"
	case ispmanager.Login, ispmanager.Unknown:
		t.Cure = "grant"
	case ispmanager.Encryption:
		t.Cure = "tls"
	case ispmanager.Locked, ispmanager.Timeout, ispmanager.Full:
		t.Grade, t.Cure = Unknown, "later"
	case ispmanager.HotJournal, ispmanager.NoWAL:
		t.Grade, t.Cure = Lacking, "start"
	}
	return t
}

// tryCertificates reads the certificate of each site.
func tryCertificates(key string, p config.Panel, sites []checks.Site) Trial {
	if b, closes := barrierTo(p.Certificates); closes && !b.missing {
		return closed(key, Broken, p.Certificates, b)
	}
	args := i18n.Args{"Panel": p.Name, "Folder": p.Certificates}
	found, err := cert.NewFiles(p.Certificates).Read(sites)
	if err != nil {
		args["Error"] = reason(err)
		return Trial{Key: key, Grade: Broken, Says: "certificates.unread", Args: args}
	}
	read, denied := 0, error(nil)
	for _, r := range found {
		if r.Err == nil {
			read++
		} else if errors.Is(r.Err, fs.ErrPermission) {
			denied = r.Err
		}
	}
	args["Read"], args["Of"] = read, len(found)
	if path := pathOf(denied); path != "" {
		path = filepath.Join(p.Certificates, path) // it is relative to the folder
		if b, closes := barrierTo(path); closes && !b.missing {
			t := closed(key, Broken, path, b)
			if b.path != p.Certificates && strings.HasPrefix(b.path, p.Certificates) { // others will be closed, too
				t.Cure = "certificates"
				t.Args["Quoted"], t.Args["Files"] = quoted(p.Certificates), !b.folder
			}
			return t
		}
	}
	if read == 0 && len(found) > 0 {
		return Trial{Key: key, Grade: Lacking, Says: "certificates.none", Args: args}
	}
	return Trial{Key: key, Says: "certificates", Args: args}
}

// tryFiles looks whether the files of a pattern can be read; nil: they can.
func tryFiles(key, says, pattern string) []Trial {
	fixed := filepath.Dir(pattern)
	if before, _, has := strings.Cut(pattern, "*"); has {
		fixed = filepath.Dir(before + "x")
	}
	args := i18n.Args{"Pattern": pattern}
	if b, closes := barrierTo(fixed); closes {
		if b.missing {
			args["Missing"] = b.path
			return []Trial{{Key: key, Grade: Lacking, Says: says + ".none", Args: args}}
		}
		return []Trial{closed(key, Lacking, fixed, b)}
	}
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return []Trial{{Key: key, Grade: Lacking, Says: says + ".none", Args: args}}
	}
	for _, file := range files {
		if b, closes := barrierTo(file); closes && !b.missing {
			t := closed(key, Lacking, file, b)
			if t.Cure == "acl" && b.path == file && len(files) > 1 && quoted(pattern) == "'"+pattern+"'" { // others will be closed, too
				t.Args["Quoted"] = pattern
			}
			return []Trial{t}
		}
	}
	return nil
}

// tryFolder creates a file in a folder, such as that of challenges, and removes it: if
// this user may not do that, checks would silently skip their own token.
func tryFolder(folder string) error {
	f, err := os.CreateTemp(folder, ".domovoy-")
	if err != nil {
		return reason(err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// tryKey looks at the account's key as cancel authz would.
func tryKey(key string, p config.Panel) []Trial {
	switch trouble := (cancel.LocalAccount{KeyFile: p.ACME.AccountKeyFile}).KeyTrouble(); trouble {
	case "":
		return nil
	case watch.KeyDenied:
		if b, closes := barrierTo(p.ACME.AccountKeyFile); closes && !b.missing {
			return []Trial{closed(key, Lacking, p.ACME.AccountKeyFile, b)}
		}
		fallthrough
	default:
		return []Trial{{Key: key, Grade: Lacking, Says: "key." + string(trouble), Args: i18n.Args{"Path": p.ACME.AccountKeyFile, "Quoted": quoted(p.ACME.AccountKeyFile)}}}
	}
}

// reason is an error of the system without its path, which the text has.
func reason(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	return err
}

// pathOf is the path of an error of the system; empty: it has none.
func pathOf(err error) string {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Path
	}
	return ""
}
