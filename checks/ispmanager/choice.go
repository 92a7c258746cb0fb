package ispmanager

import (
	"context"
	"os"

	"domovoy/checks/ispmanager/location"
)

// newDatabase returns the reader of a database; it does no I/O.
func newDatabase(cfg Config) database {
	at, err := location.Parse(cfg.Database)
	switch {
	case err != nil: // a path may be relative
		return &sqliteDatabase{path: cfg.Database}
	case at.Auto:
		return &choice{conf: cfg.Conf}
	case at.Path != "":
		return &sqliteDatabase{path: at.Path}
	}
	var password secret
	if cfg.Password != nil {
		password = newSecret(cfg.Password())
	}
	return &mysqlDatabase{server: at.Server, password: password, limit: statementTimeout}
}

// choice is the database that the panel's db.conf names. It is chosen again when
// that file changes: the panel was moved to another database, or its password
// was changed.
type choice struct {
	conf     string
	info     os.FileInfo // of db.conf when it was read; nil: there was none
	database             // nil: not chosen yet
}

// choose reads db.conf if it changed.
func (c *choice) choose() error {
	info, failure := stat(c.conf)
	if failure != nil {
		info = nil // readConf tells what it means
	}
	if c.database != nil && unchanged(c.info, info) {
		return nil
	}
	if err := c.close(); err != nil {
		return err
	}
	at, password, failure := readConf(c.conf)
	if failure != nil {
		return failure
	}
	if c.info = info; at.Path != "" {
		c.database = &sqliteDatabase{path: at.Path}
		return nil
	}
	c.database = &mysqlDatabase{server: at.Server, password: password, limit: statementTimeout}
	return nil
}

func unchanged(was, is os.FileInfo) bool {
	if was == nil || is == nil {
		return was == nil && is == nil
	}
	return os.SameFile(was, is) && was.Size() == is.Size() && was.ModTime().Equal(is.ModTime())
}

func (c *choice) open(ctx context.Context) error {
	if err := c.choose(); err != nil {
		return err
	}
	return c.database.open(ctx)
}

func (c *choice) look(ctx context.Context) (stamps, error) {
	if err := c.choose(); err != nil {
		return stamps{}, err
	}
	return c.database.look(ctx)
}

func (c *choice) lost(err error) bool { return c.database != nil && c.database.lost(err) }

func (c *choice) explain(err error) *Error {
	if c.database == nil {
		return explain(c.conf, err)
	}
	return c.database.explain(err)
}

// close closes the database and forgets the choice.
func (c *choice) close() error {
	chosen := c.database
	if c.database = nil; chosen == nil {
		return nil
	}
	return chosen.close()
}
