//go:build !linux

package agent

import (
	"errors"
	"runtime"
)

// openFirewall fails: nftables is Linux's.
func openFirewall() (firewall, error) {
	return nil, errors.New("an agent needs Linux, and this is " + runtime.GOOS)
}
