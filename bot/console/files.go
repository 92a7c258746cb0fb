package console

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"domovoy/i18n"
	"domovoy/reports"
)

// maxNamesakes is how many files of one name a folder takes.
const maxNamesakes = 1000

// save writes a file into the folder, if there is one, and says what became
// of it.
func (c *Console) save(file reports.File, language string) string {
	locale := c.bundle.Locale(language, nil)
	args := i18n.Args{"Name": oneLine(file.Name), "Size": size(locale, len(file.Data))}
	if c.options.Folder == "" {
		return locale.Say("console.file.unsaved", args)
	}
	path, err := Store(c.options.Folder, file)
	if err != nil {
		args["Error"] = clean(err.Error())
		return locale.Say("console.file.failed", args)
	}
	args["Path"] = path
	return locale.Say("console.file.saved", args)
}

// Store writes a file into a folder and tells where. It overwrites nothing,
// but takes a name beside, and leaves the folder in no case, whatever the file
// is called: names may come from a panel's database.
func Store(folder string, file reports.File) (string, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", err
	}
	defer root.Close()
	base := filepath.Base(oneLine(file.Name))
	if strings.Trim(base, "./") == "" {
		base = "file"
	}
	extension := filepath.Ext(base)
	for n := 1; n <= maxNamesakes; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(base, extension), n, extension)
		}
		err := create(root, name, file.Data)
		if err == nil {
			return filepath.Join(folder, name), nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: %w", base, fs.ErrExist)
}

func create(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

const kilobyte = 1 << 10

// size rounds up to a whole kilobyte, or to a tenth of a megabyte.
func size(locale *i18n.Locale, bytes int) string {
	switch {
	case bytes < kilobyte:
		return locale.Say("console.size.bytes", i18n.Args{"N": bytes})
	case bytes < kilobyte*kilobyte:
		return locale.Say("console.size.kilobytes", i18n.Args{"N": (bytes + kilobyte - 1) / kilobyte})
	}
	return locale.Say("console.size.megabytes", i18n.Args{"N": float64(bytes) / (kilobyte * kilobyte)})
}
