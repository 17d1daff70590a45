package docker

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// An owner is a process that made things on an engine, so exactly that a number which was given to
// another process later, or on another machine, is not taken for it.
type owner struct {
	// boot is unique to the running kernel, and namespace to the process numbers that pid is one
	// of.
	boot, namespace string
	pid             int
	// started is when the process started, in the kernel's units.
	started string
}

// errNoProcess says that there is no such process.
var errNoProcess = errors.New("there is no such process")

// unknown stands for what cannot be found out.
const unknown = "unknown"

// currentOwner returns this process.
func currentOwner() owner {
	started, err := processStart(os.Getpid())
	if err != nil {
		started = unknown
	}
	return owner{boot: bootID(), namespace: pidNamespace(), pid: os.Getpid(), started: started}
}

// String writes the owner as it stands in a label: four fields between colons.
func (o owner) String() string {
	return fmt.Sprintf("%s:%s:%d:%s", o.boot, o.namespace, o.pid, o.started)
}

// parseOwner reads what String wrote.
func parseOwner(text string) (owner, error) {
	fields := strings.Split(text, ":")
	if len(fields) != 4 {
		return owner{}, fmt.Errorf("an owner has four fields, and %q has %d", text, len(fields))
	}
	pid, err := strconv.Atoi(fields[2])
	if err != nil || pid <= 0 {
		return owner{}, fmt.Errorf("the owner %q has no process number", text)
	}
	return owner{boot: fields[0], namespace: fields[1], pid: pid, started: fields[3]}, nil
}

// A vitality is what is known of an owner.
type vitality int

const (
	// dead: the process has ended.
	dead vitality = iota
	// living: the process runs.
	living
	// elsewhere: the process cannot be looked at from here. It belongs to another kernel or to other
	// process numbers, on another machine or in another container, or to this machine before it
	// booted; or it is hidden from this user.
	elsewhere
)

// vitality tells whether the owner's process runs.
func (o owner) vitality() vitality {
	here := currentOwner()
	if o.boot != here.boot || o.namespace != here.namespace ||
		o.boot == unknown || o.namespace == unknown {
		return elsewhere
	}
	started, err := processStart(o.pid)
	switch {
	case errors.Is(err, errNoProcess):
		return dead
	case err != nil || o.started == unknown:
		return elsewhere
	case started != o.started: // the number was given to another process
		return dead
	default:
		return living
	}
}
