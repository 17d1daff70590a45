package docker

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/docker/docker/api/types/network"
)

// A runNetwork is the network of one run.
type runNetwork struct {
	id string
	// direct is true when its addresses can be dialled from here.
	direct bool
}

// makeNetwork makes the run's network, with addresses that the engine chooses: chosen ones would
// collide with those of other runs.
func (c *Cluster) makeNetwork(ctx context.Context) (runNetwork, error) {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return runNetwork{}, err
	}
	defer cancel()
	made, err := c.engine.api.NetworkCreate(ctx, "ordeal-"+c.config.RunID, network.CreateOptions{
		Driver: "bridge", Labels: c.labels(roleNetwork, ""),
	})
	if err != nil {
		return runNetwork{}, fmt.Errorf("making the network: %w", err)
	}
	details, err := c.engine.api.NetworkInspect(ctx, made.ID, network.InspectOptions{})
	if err != nil {
		return runNetwork{}, fmt.Errorf("inspecting the network: %w", err)
	}
	if len(details.IPAM.Config) == 0 {
		return runNetwork{}, errors.New("the network was given no addresses")
	}
	return runNetwork{
		id: made.ID, direct: isBridgeHere(made.ID, details.IPAM.Config[0].Gateway),
	}, nil
}

// isBridgeHere tells whether the bridge of a network, which bears the gateway's address, is an
// interface of this very machine. Elsewhere (the engine runs in a virtual machine, in a namespace
// of its own, or far away) packets to its addresses would leave the machine for whoever has them
// there. The interface is found by the name that the engine gives it, since addresses alone can be
// those of another engine's bridge.
func isBridgeHere(network, gateway string) bool {
	const prefix = 12 // of the ID, in the interface's name
	if len(network) < prefix {
		return false
	}
	bridge, err := net.InterfaceByName("br-" + network[:prefix])
	if err != nil {
		return false
	}
	addresses, err := bridge.Addrs()
	if err != nil {
		return false
	}
	wanted := net.ParseIP(gateway)
	for _, address := range addresses {
		if subnet, ok := address.(*net.IPNet); ok && subnet.IP.Equal(wanted) {
			return true
		}
	}
	return false
}
