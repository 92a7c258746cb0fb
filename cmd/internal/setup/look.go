package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// question is what the service's user is asked: what it finds in the panel, and which
// files it may not read. It goes to a process of that user, for what root may do says
// nothing.
type question struct {
	Name, Database, DBConf string
	Password               string
	Certificates           string
	AccessLogs             []string
	Challenges             string
	Paths                  []string
}

// finding is the answer to a question.
type finding struct {
	Panel  []line
	Closed map[string]string // of Paths: the file or folder where the way ends
}

// line is what one trial says, in the language of the terminal.
type line struct {
	Text string
	Bad  bool // what is meant does not work
}

// Look answers a question on a pipe.
func Look(ctx context.Context, in io.Reader, out io.Writer, l *i18n.Locale) error {
	var q question
	if err := json.NewDecoder(in).Decode(&q); err != nil {
		return fmt.Errorf("reading the question: %w", err)
	}
	return json.NewEncoder(out).Encode(q.answer(ctx, l))
}

func (q question) answer(ctx context.Context, l *i18n.Locale) finding {
	found := finding{Closed: map[string]string{}}
	for _, path := range q.Paths {
		if at := app.ClosedAt(path); at != "" {
			found.Closed[path] = at
		} else if path == q.Challenges && unix.Access(path, unix.W_OK) != nil {
			found.Closed[path] = path
		}
	}
	if q.Name == "" {
		return found
	}
	p := config.Panel{Name: q.Name, Database: q.Database, DBConf: q.DBConf, Certificates: q.Certificates,
		AccessLogs: q.AccessLogs, Challenges: q.Challenges, Timezone: time.Local}
	if q.Password != "" {
		p.Password = config.NewSecret(q.Password)
	}
	for _, t := range app.TryPanel(ctx, p) {
		found.Panel = append(found.Panel, line{Text: t.Text(l), Bad: t.Grade == app.Broken || t.Grade == app.Unknown})
	}
	return found
}

// look asks the service's user; all: one who may read any file, as with the rights
// that are yet to be granted.
func (s *session) look(ctx context.Context, q question, all bool) (finding, error) {
	if os.Geteuid() != 0 {
		return q.answer(ctx, s.talk.l), nil
	}
	text, err := json.Marshal(q)
	if err != nil {
		return finding{}, err
	}
	cmd := exec.CommandContext(ctx, itself, "setup", "look", "--lang", s.talk.l.Language())
	cmd.Stdin = bytes.NewReader(text)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	cmd.Dir = "/"
	become(cmd, s.account.standIn(), all)
	out, err := cmd.Output()
	if err != nil {
		return finding{}, fmt.Errorf("looking as %s: %w", s.account.name, err)
	}
	var found finding
	return found, json.Unmarshal(out, &found)
}
