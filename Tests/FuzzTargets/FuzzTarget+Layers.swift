extension FuzzTarget {
    /// What stands under the plugins.
    static let layers: [FuzzTarget] = [
        FuzzTarget(name: "layers/websocket", isText: false) { WebSocketSubject() },
        FuzzTarget(name: "layers/json", isText: true) { JSONSubject() },
    ]
}
