package ispmanager_test

import (
	"os"
	"strings"
	"testing"

	"domovoy/checks/ispmanager"
)

// The documents give the rights with which TestTheLeastRightsAreEnough reads.
func TestTheDocumentsGiveTheLeastRights(t *testing.T) {
	want := strings.Join(ispmanager.Grants("domovoy@localhost", "ispmgr"), "\n")
	for _, path := range []string{"../../cmd/README.md", "../../cmd/README.ru.md"} {
		text, err := os.ReadFile(path)
		must(t, err)
		if !strings.Contains(string(text), want) {
			t.Errorf("%s does not have\n%s", path, want)
		}
	}
}
