package setup

import (
	"os"
	"os/user"
	"slices"
	"strconv"
)

// account is the user that the service runs as.
type account struct {
	name   string
	uid    int // -1: there is none of that name yet
	gid    int
	groups []int
}

// findAccount looks a user up. Who is not root can only set up a service of their own.
func findAccount(name string) account {
	if os.Geteuid() != 0 {
		me := account{name: strconv.Itoa(os.Geteuid()), uid: os.Geteuid(), gid: os.Getegid()}
		if u, err := user.Current(); err == nil {
			me.name = u.Username
		}
		me.groups, _ = os.Getgroups()
		return me
	}
	a := account{name: name, uid: -1, gid: -1}
	u, err := user.Lookup(name)
	if err != nil {
		return a
	}
	a.uid, _ = strconv.Atoi(u.Uid)
	a.gid, _ = strconv.Atoi(u.Gid)
	ids, _ := u.GroupIds()
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			a.groups = append(a.groups, n)
		}
	}
	return a
}

func (a account) exists() bool { return a.uid >= 0 }

// nobody stands in for a user that is yet to be created: one without any right.
const nobody = 65534

// standIn is the account, or nobody.
func (a account) standIn() account {
	if a.exists() {
		return a
	}
	return account{name: a.name, uid: nobody, gid: nobody}
}

// in reports whether the account is in a group.
func (a account) in(gid int) bool { return a.gid == gid || slices.Contains(a.groups, gid) }
