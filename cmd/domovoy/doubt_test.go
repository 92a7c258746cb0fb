package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/checks/lab"
)

// ask remembers the panel too: a table that lost its rows between two questions
// gives no numbers, until somebody says that it is right.
func TestAskBelievesNoLoss(t *testing.T) {
	t.Parallel()
	const thousands = `INSERT INTO users (id, name) VALUES (900, 'many');
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3000)
		INSERT INTO webdomain (name, users, secure) SELECT 's' || i || '.example', 900, 'off' FROM n;
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3000)
		INSERT INTO letsencrypt_ssl (certname, domain_name, failed) SELECT 's' || i || '.example_le1', 's' || i || '.example', iif(i < 62, 'on', 'off') FROM n;`
	for _, table := range []string{"webdomain", "letsencrypt_ssl", "users", "letsencrypt_log"} {
		t.Run(table, func(t *testing.T) {
			database := filepath.Join(t.TempDir(), "ispmgr.db")
			sqlite(t, database, lab.Schema(), dated(t, knownPanel, time.UTC), thousands)
			file := written(t, database, "UTC")
			before, status := askJSON(t, file, "status")
			if status != exitOK || before.counts()["panel.failed"] != 63.0 {
				t.Fatalf("exit %d, %v", status, before.counts())
			}
			sqlite(t, database, "DELETE FROM "+table)
			for range 2 {
				after, _ := askJSON(t, file, "status")
				if after.Servers[0].Trouble != "shrunk" {
					t.Errorf("the trouble is %q", after.Servers[0].Trouble)
				}
				for _, m := range after.Metrics {
					if m.Value != nil || m.Error != "shrunk" {
						t.Errorf("%s is %v with the error %q, want null with shrunk", m.Code, m.Value, m.Error)
					}
				}
			}
			refused, status := askJSON(t, file, "list", "failed")
			if status != exitRefused || refused.Error.Code != "unavailable" {
				t.Errorf("list: exit %d, %+v", status, refused.Error)
			}
			question, _ := askJSON(t, file, "status", "believe")
			if len(question.Actions) != 1 {
				t.Fatalf("the question has the actions %+v", question.Actions)
			}
			if text := askText(t, file, strings.Fields(question.Actions[0].Command)...); !strings.Contains(text, "isp1") {
				t.Errorf("believe: %s", text)
			}
			believed, _ := askJSON(t, file, "status")
			if believed.Servers[0].Trouble != "" || believed.counts()["panel.failed"] == nil {
				t.Errorf("believed: %+v", believed)
			}
		})
	}
}
