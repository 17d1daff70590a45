package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"ordeal/docker/agent"
	"ordeal/docker/system"
)

// The limits of an agent, which runs two small processes of the program.
const (
	agentMemory int64 = 256 << 20
	agentPids   int64 = 128
)

// startAgent makes and starts the agent's container of a node, which owns the node's network
// namespace, address and published port, and waits for the agent's first word.
func (c *Cluster) startAgent(ctx context.Context, n *node) error {
	name := n.member.Name
	if err := c.makeAgent(ctx, n); err != nil {
		return fmt.Errorf("making the agent of %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	stream, err := c.engine.attach(ctx, n.agent)
	if err != nil {
		return fmt.Errorf("attaching to the agent of %s: %w", name, err)
	}
	n.beside = newBeside(name, stream, c.config.Logger, &c.work)
	if err := c.startContainer(ctx, n.agent); err != nil {
		return fmt.Errorf("starting the agent of %s: %w", name, err)
	}
	select {
	case <-n.beside.greeted:
	case <-n.beside.connection.Closed():
		return fmt.Errorf("the agent of %s ended at once: %s", name, n.beside.lastComplaint())
	case <-ctx.Done():
		return fmt.Errorf("waiting for the agent of %s: %w", name, ctx.Err())
	}
	return c.locate(ctx, n)
}

// attach connects to a container's streams. The client's own call waits for the engine's answer
// whatever becomes of ctx: it is left to itself then, and what it brings late is closed.
func (e *Engine) attach(ctx context.Context, id string) (types.HijackedResponse, error) {
	type answer struct {
		stream types.HijackedResponse
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		stream, err := e.api.ContainerAttach(ctx, id, container.AttachOptions{
			Stream: true, Stdin: true, Stdout: true, Stderr: true,
		})
		answers <- answer{stream, err}
	}()
	select {
	case a := <-answers:
		return a.stream, a.err
	case <-ctx.Done():
		go func() {
			if late := <-answers; late.err == nil {
				late.stream.Close()
			}
		}()
		return types.HijackedResponse{}, ctx.Err()
	}
}

// makeAgent creates the agent's container. The image may have been removed since it was found, by a
// clean that began before this run did: then it is imported again, once.
func (c *Cluster) makeAgent(ctx context.Context, n *node) error {
	err := c.createAgent(ctx, n)
	if !errdefs.IsNotFound(err) {
		return err
	}
	if _, err := c.engine.ensureImage(ctx, c.config.Program, c.config.Progress); err != nil {
		return err
	}
	return c.createAgent(ctx, n)
}

func (c *Cluster) createAgent(ctx context.Context, n *node) error {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	port := c.clientPort()
	host := hardened(agentMemory, agentPids)
	host.CapAdd = []string{"NET_ADMIN"}
	host.NetworkMode = container.NetworkMode(c.network.id)
	host.PortBindings = nat.PortMap{port: {{HostIP: "127.0.0.1", HostPort: "0"}}}
	// The attached stream is the only reader there is, and must not be copied to a disk.
	host.LogConfig = container.LogConfig{Type: "none"}
	made, err := c.engine.api.ContainerCreate(ctx, &container.Config{
		Image: c.image, Entrypoint: []string{programPath}, Cmd: []string{"agent"},
		User:        "0:0", // with no capability but the one that is added
		Hostname:    n.member.Name,
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
		OpenStdin: true, StdinOnce: true, // so that the agent sees the end of the harness
		ExposedPorts: nat.PortSet{port: {}},
		Labels:       c.labels(roleAgent, n.member.Name),
	}, host, &network.NetworkingConfig{
		EndpointsConfig: map[string]*network.EndpointSettings{c.network.id: {}},
	}, nil, c.containerName(n.member.Name)+"-agent")
	n.agent = made.ID
	return err
}

// clientPort is the port that the system's clients talk to.
func (c *Cluster) clientPort() nat.Port {
	return nat.Port(strconv.Itoa(c.config.System.ClientPort) + "/tcp")
}

// startContainer starts a container that was made.
func (c *Cluster) startContainer(ctx context.Context, id string) error {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	ctx, end := c.whileEngine(ctx)
	defer end()
	return c.engine.api.ContainerStart(ctx, id, container.StartOptions{})
}

// locate finds the address and the published port that the engine chose, which hold for the run.
func (c *Cluster) locate(ctx context.Context, n *node) error {
	name := n.member.Name
	details, err := c.engine.api.ContainerInspect(ctx, n.agent)
	if err != nil {
		return fmt.Errorf("inspecting the agent of %s: %w", name, err)
	}
	settings := details.NetworkSettings
	for _, endpoint := range settings.Networks {
		n.member.Address = endpoint.IPAddress
	}
	if n.member.Address == "" {
		return fmt.Errorf("the engine gave %s no address", name)
	}
	n.endpoint = system.Endpoint{
		Node:    name,
		Address: net.JoinHostPort(n.member.Address, strconv.Itoa(c.config.System.ClientPort)),
	}
	if c.network.direct {
		return nil
	}
	published := settings.Ports[c.clientPort()]
	if len(published) == 0 {
		return errors.New("the engine published no port for " + name)
	}
	n.endpoint.Forwarded = true
	n.endpoint.Address = net.JoinHostPort(published[0].HostIP, published[0].HostPort)
	return nil
}

// introduce tells an agent who is who, and begins its heartbeat. Its first answer shows that it can
// do its work here.
func (c *Cluster) introduce(ctx context.Context, n *node) error {
	configuration := agent.Configuration{
		Node: n.member.Name, Addresses: make(map[string]string),
	}
	for _, other := range c.nodes {
		configuration.Addresses[other.member.Name] = other.member.Address
	}
	n.beside.mu.Lock()
	n.beside.configuration = configuration
	n.beside.mu.Unlock()
	if _, err := n.beside.drop(ctx, nil); err != nil {
		return err
	}
	c.work.Go(func() {
		n.beside.beat(c.life, c.engineIsGone)
		c.agentEnded(n)
	})
	return nil
}
