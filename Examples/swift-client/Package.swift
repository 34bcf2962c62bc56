// swift-tools-version: 6.0
import PackageDescription

let package = Package(name: "follow", targets: [.executableTarget(name: "follow", path: "Sources")])
