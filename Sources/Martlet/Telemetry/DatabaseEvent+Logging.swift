#if Logging
  public import Logging

  extension Configuration {
    /// Sends the database's news to a logger, besides wherever ``events`` sent them before: each
    /// with its kind and its metadata under their own names.
    ///
    /// Needs the package trait `Logging`.
    public mutating func log(to logger: Logger) {
      let before = events
      events = { event in
        before?(event)
        logger.log(event)
      }
    }
  }

  extension Logger {
    /// Logs an event of a database: `failure` as an error, everything else at the level of its name.
    ///
    /// Needs the package trait `Logging`.
    public func log(_ event: DatabaseEvent) {
      log(
        level: event.level, "\(event.message)", metadata: event.loggingMetadata, source: "Martlet")
    }
  }

  extension DatabaseEvent {
    fileprivate var level: Logger.Level {
      switch severity {
      case .debug: .debug
      case .notice: .notice
      case .warning: .warning
      case .failure: .error
      }
    }

    fileprivate var loggingMetadata: Logger.Metadata {
      var result: Logger.Metadata = ["kind": .string(kind.rawValue)]
      for (name, value) in metadata {
        result[name] =
          switch value {
          case .text(let text): .string(text)
          case .integer(let number): .stringConvertible(number)
          case .duration(let duration): .stringConvertible(duration)
          }
      }
      return result
    }
  }
#endif
