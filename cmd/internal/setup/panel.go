package setup

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"domovoy/checks/ispmanager"
	"domovoy/checks/ispmanager/location"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// Where an ISPmanager keeps what Domovoy reads.
const (
	usualConf         = "/usr/local/mgr5/etc/ispmgr.conf.d/db.conf"
	usualDatabase     = "/usr/local/mgr5/etc/ispmgr.db"
	usualOptions      = "/usr/local/mgr5/etc/ispmgr.conf"
	usualCertificates = "/var/www/httpd-cert"
	usualLog          = "/usr/local/mgr5/var/ispmgr_acme_sh.log"
	usualAccessLogs   = "/var/www/httpd-logs"
	usualChallenges   = "/usr/local/mgr5/www/letsencrypt"
)

// panel is what the configuration says of the panel.
type panel struct {
	name         string
	database     string
	dbConf       string // full path
	passwordFile string // name of the secret; empty: none
	certificates string
	challenges   string
	accessLogs   []string
	logs         []string // empty: the default
	at           location.Location
	secret       string   // the password that the configuration has
	folders      []string // of logs and virtual hosts that the configuration has
}

// askPanel finds the panel, what it has, and what the service's user may not read.
func (s *session) askPanel(ctx context.Context) error {
	if !s.isAgent() { // of which there is nothing else to ask
		s.talk.say("setup.panel.head")
	}
	if s.old != nil && len(s.old.Panels) > 0 {
		return s.oldPanels(ctx)
	}
	given := PanelAnswers{}
	if s.Given != nil {
		given = s.Given.Panel
	}
	p := &s.draft.panel
	p.name, p.database, p.dbConf = panelName(given.Name), given.Database, given.DBConf
	if e := s.draft.enrolment; len(e.Panels) > 0 {
		p.name = e.Panels[0] // which it may speak for
	}
	if p.database == "" {
		p.database = location.Auto
	}
	if p.dbConf == "" {
		p.dbConf = s.at(usualConf)
	}
	if err := s.locate(ctx); err != nil {
		return err
	}
	if err := s.password(ctx, given); err != nil {
		return err
	}
	s.findFiles(given)
	s.sayPanel()
	return s.askRights(ctx, given.Rights)
}

// oldPanels tries the panels that the configuration has.
func (s *session) oldPanels(ctx context.Context) error {
	s.draft.hasPanel = true
	for _, p := range s.old.Panels {
		at, err := location.Parse(p.Database)
		if err == nil && at.Auto {
			at, _ = ispmanager.Locate(p.DBConf) // what is wrong is said below
		}
		s.draft.panel = panel{name: p.Name, database: p.Database, dbConf: p.DBConf, certificates: p.Certificates, challenges: p.Challenges, at: at,
			secret: p.Password.Reveal(), folders: foldersOf(p)}
		rights := ""
		if s.Given != nil {
			rights = s.Given.Panel.Rights
		}
		if err := s.askRights(ctx, rights); err != nil {
			return err
		}
	}
	return nil
}

// foldersOf are the folders of the files that a configuration names by patterns. Only
// they are opened: the files come new, and rights that one has would end with it.
func foldersOf(p config.Panel) []string {
	patterns := slices.Concat(p.AccessLogs, p.Vhosts)
	if p.ACME.AccountKeyFile != "" { // else nothing reads them
		patterns = append(patterns, p.ACME.Logs...)
	}
	var folders []string
	for _, pattern := range patterns {
		if folder := filepath.Dir(pattern); !strings.ContainsAny(folder, "*?[") && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// lookAtAll looks at each panel as the service does, and says the lines that are
// wanted; ok: all of them work.
func (s *session) lookAtAll(ctx context.Context, cfg *config.Config, wanted func(line) bool) (ok bool, err error) {
	ok = true
	for _, p := range cfg.Panels {
		q := question{Name: p.Name, Database: p.Database, DBConf: p.DBConf, Password: p.Password.Reveal(), Certificates: p.Certificates,
			AccessLogs: p.AccessLogs, Challenges: p.Challenges}
		found, err := s.look(ctx, q, s.draft.able || s.isAble())
		if err != nil {
			return false, err
		}
		for _, l := range found.Panel {
			ok = ok && !l.Bad
			if wanted(l) {
				s.talk.tell(l.Text)
			}
		}
	}
	return ok, nil
}

// locate finds out where the panel's database is, and asks until it knows.
func (s *session) locate(ctx context.Context) error {
	p := &s.draft.panel
	for {
		at, err := location.Parse(p.database)
		if err == nil && at.Auto {
			at, err = ispmanager.Locate(p.dbConf)
		}
		p.at = at
		failed, closed := errors.AsType[*ispmanager.Error](err)
		if closed && failed.Reason == ispmanager.ConfDenied {
			return nil // it is there: its right is asked for
		}
		if err == nil && (at.Path == "" || !missing(at.Path)) {
			return nil
		}
		if p.database == location.Auto {
			s.talk.say("setup.panel.none", i18n.Args{"Path": p.dbConf})
		} else {
			s.talk.say("setup.panel.notthere", i18n.Args{"Database": p.database})
		}
		if s.Given != nil {
			return s.refuse(s.talk.l.Say("setup.panel.where.given"))
		}
		text, err := s.talk.ask(ctx, s.talk.l.Say("setup.panel.where"), "")
		if err != nil {
			return err
		}
		if text != "" {
			p.database = text
		}
	}
}

// missing reports whether there is surely nothing at a path.
func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// password reads the password of a user of the panel's server.
func (s *session) password(ctx context.Context, given PanelAnswers) error {
	p := &s.draft.panel
	if s.Given == nil && p.at.Server.Name != "" && p.database != location.Auto {
		return s.askPassword(ctx)
	}
	if given.PasswordFile == "" {
		return nil
	}
	secret, err := secretOf(given.PasswordFile)
	if err != nil {
		return s.refuse(err.Error())
	}
	p.passwordFile = p.name + ".db"
	s.draft.secrets[p.passwordFile] = secret
	return nil
}

// askPassword asks for the password of the user in database: mysql:// until the server
// lets the user in, or does not answer.
func (s *session) askPassword(ctx context.Context) error {
	p := &s.draft.panel
	for {
		secret, err := s.talk.askSecret(ctx, s.talk.l.Say("setup.panel.password", i18n.Args{"User": p.at.Server.User}))
		if err != nil {
			return err
		}
		delete(s.draft.secrets, p.name+".db")
		if p.passwordFile = ""; secret != "" {
			p.passwordFile = p.name + ".db"
			s.draft.secrets[p.passwordFile] = secret
		}
		refused := ispmanager.New(ispmanager.Config{Name: p.name, Database: p.database, Password: func() string { return secret }, Zone: time.Local})
		_, _, err = refused.Poll(ctx)
		refused.Close()
		failed, is := errors.AsType[*ispmanager.Error](err)
		if !is || failed.Reason != ispmanager.Login {
			return nil // what else is wrong is said with what was found
		}
		s.talk.note("setup.panel.refused", i18n.Args{"User": p.at.Server.User, "Server": p.at.String()})
	}
}

// findFiles finds certificates and logs.
func (s *session) findFiles(given PanelAnswers) {
	p := &s.draft.panel
	p.certificates, p.challenges, p.accessLogs = given.Certificates, given.Challenges, given.AccessLogs
	if found := s.at(usualCertificates); p.certificates == "" && !missing(found) {
		p.certificates = found
	}
	if s.Prefix != "" && !missing(s.at(usualLog)) {
		p.logs = []string{s.at(usualLog)}
	}
	if found := s.at(usualAccessLogs); p.accessLogs == nil && !missing(found) {
		p.accessLogs = []string{filepath.Join(found, "*.access.log")}
	}
}

// sayPanel says what was found.
func (s *session) sayPanel() {
	p := s.draft.panel
	conf := p.dbConf
	if p.database != location.Auto {
		conf = ""
	}
	args := i18n.Args{"Conf": conf, "Where": p.at.String(), "Server": p.at.Server.Name != "", "Owner": "", "Group": "", "Mode": ""}
	file := p.at.Path
	if file == "" && p.at.Server.Name == "" { // only its db.conf is known to be there
		file, args["Where"] = p.dbConf, p.dbConf
	}
	if info, err := os.Stat(file); err == nil && file != "" {
		uid, gid := ownerOf(info)
		args["Owner"], args["Group"], args["Mode"] = userName(uid), groupName(gid), info.Mode().Perm().String()
	}
	s.talk.say("setup.panel.found", args)
	var also []string
	if p.certificates != "" {
		also = append(also, s.talk.l.Say("setup.panel.certificates", i18n.Args{"Path": p.certificates}))
	}
	for _, log := range p.accessLogs {
		also = append(also, s.talk.l.Say("setup.panel.accesslogs", i18n.Args{"Path": log}))
	}
	if !missing(s.at(usualLog)) {
		also = append(also, s.talk.l.Say("setup.panel.log", i18n.Args{"Path": s.at(usualLog)}))
	}
	if found := s.at(usualChallenges); p.challenges == "" && !missing(found) {
		also = append(also, s.talk.l.Say("setup.panel.challenges", i18n.Args{"Path": found}))
	}
	for _, line := range also {
		s.talk.tell(line)
	}
}

// tried says what the panel has, as far as the service's user may read it.
func (s *session) tried(ctx context.Context, all bool) error {
	p := s.draft.panel
	found, err := s.look(ctx, question{Name: p.name, Database: p.database, DBConf: p.dbConf, Password: cmp.Or(p.secret, s.draft.secrets[p.passwordFile]),
		Certificates: p.certificates}, all)
	if err != nil {
		return err
	}
	for _, l := range found.Panel {
		s.talk.tell(l.Text)
	}
	return nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9-]+`)

// panelName is a name that messages have: the host's, if it can be one.
func panelName(given string) string {
	if given != "" {
		return given
	}
	host, _ := os.Hostname()
	host, _, _ = strings.Cut(strings.ToLower(host), ".")
	if name := strings.Trim(notInNames.ReplaceAllString(host, "-"), "-"); name != "" && name != "localhost" {
		return name
	}
	return "isp1"
}
